export default function ({ data, parentElement }) {
  const rail = document.createElement('div');
  rail.className = 'rail';
  rail.setAttribute('role', 'img');
  rail.setAttribute('aria-label', data.alt);
  data.marks.forEach((mark) => {
    const one = document.createElement('div');
    one.className = 'mark ' + mark;
    rail.append(one);
  });
  const old = parentElement.querySelector('.rail');
  if (old) old.replaceWith(rail); else parentElement.append(rail);
}
