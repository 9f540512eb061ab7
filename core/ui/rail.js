// The rail of rail.py: a numbered button for each step, with a tick where the step is done.

const TICK = 'M3.5 8.5 6.5 11.5 12.5 5';

function tick() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(svg.namespaceURI, 'path');
  line.setAttribute('d', TICK);
  svg.append(line);
  return svg;
}

function part(kind, className, ...children) {
  const made = document.createElement(kind);
  made.className = className;
  made.append(...children);
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const steps = data.marks.map(({ name, title, kind, says }, index) => {
    const button = part('button', kind, part('span', 'dot', kind === 'done' ? tick() : String(index + 1)), part('span', 'name', title));
    button.type = 'button';
    button.title = says;
    button.setAttribute('aria-label', says);
    button.disabled = kind === 'later';
    if (kind === 'here') button.setAttribute('aria-current', 'step');
    else button.onclick = () => setTriggerValue('go', name);
    return part('li', '', button);
  });
  const rail = part('nav', 'rail', part('ol', '', ...steps));
  rail.setAttribute('aria-label', data.alt);
  // Streamlit's own link, which it has in English alone; the rail is on every page.
  const skip = document.querySelector('[data-testid="stSkipToContent"]');
  if (skip) skip.textContent = data.skip;
  const old = parentElement.querySelector('.rail');
  if (old) old.replaceWith(rail); else parentElement.append(rail);
}
