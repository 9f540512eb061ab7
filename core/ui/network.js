const SNOW = 'M12 2v20M3.3 7l17.4 10M20.7 7L3.3 17M9 3.5l3 3 3-3M9 20.5l3-3 3 3';
const BOLT = 'M13 2L5 14h6l-1 8 8-12h-6z';
function icon(path) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(svg.namespaceURI, 'path');
  line.setAttribute('d', path);
  line.setAttribute('fill', 'none');
  line.setAttribute('stroke', 'currentColor');
  line.setAttribute('stroke-width', '1.8');
  line.setAttribute('stroke-linecap', 'round');
  line.setAttribute('stroke-linejoin', 'round');
  svg.append(line);
  return svg;
}
function stage(kind, height, path, name) {
  const outer = document.createElement('div');
  outer.className = 'stage' + (kind === 'head' ? ' head' : '');
  const block = document.createElement('div');
  block.className = 'block ' + kind;
  block.style.height = height + 'rem';
  block.append(icon(path));
  const shelf = document.createElement('div');
  shelf.className = 'shelf';
  shelf.append(block);
  outer.append(shelf);
  if (name) {
    const label = document.createElement('div');
    label.className = 'name';
    label.textContent = name;
    outer.append(label);
  }
  return outer;
}
export default function ({ data, parentElement }) {
  const old = parentElement.querySelector('.network');
  const network = document.createElement('div');
  network.className = 'network' + (data.stages.some((one) => one.name) ? '' : ' nameless');
  network.setAttribute('role', 'img');
  network.setAttribute('aria-label', data.alt);
  const wire = () => Object.assign(document.createElement('div'), { className: 'wire' });
  data.stages.forEach((one, index) => {
    const height = 5.5 - (3 * index) / Math.max(1, data.stages.length - 1);
    network.append(stage(one.frozen ? 'frozen' : 'learning', height, one.frozen ? SNOW : BOLT, one.name), wire());
  });
  network.append(stage('head', 2.4, BOLT, data.head));
  if (old) old.replaceWith(network); else parentElement.append(network);
}
