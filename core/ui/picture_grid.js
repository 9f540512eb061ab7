// The grid of picture_grid.py: thumbnails that are switched on and off, alone or in a row.

class PictureGrid {
  constructor(box) {
    this.box = box;
    this.buttons = new Map(); // by the picture's id, in the order of the page
    this.all = box.querySelector(".all");
    this.all.onclick = () => this.choose([...this.buttons.keys()], !this.isAll());
    this.roving = new Roving(box.querySelector(".groups"));
    // Who closes a picture is led back to it, not to the one that was opened first.
    this.large = new Large(box.querySelector("dialog"), (id) => this.buttons.get(id)?.focus());
  }

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    this.words = data.words;
    this.large.update(data);
    // Within a selection the browser knows best: what the server says may be older than the last click.
    if (data.selection !== this.selection) this.selected = new Set(data.selected);
    this.selection = data.selection;
    const content = JSON.stringify([data.url, data.groups]);
    if (content !== this.content) this.draw(data);
    this.content = content;
    this.mark();
    // The theme's colours are known here only, and the bar above the pictures must hide what scrolls below it.
    const bar = document.querySelector(".st-key-picture_bar")?.parentElement;
    bar?.style.setProperty("--ground", getComputedStyle(this.box).getPropertyValue("--st-background-color"));
  }

  draw(data) {
    this.buttons.clear();
    this.last = null;
    this.large.choose(data.groups.flatMap((group) => group.pictures));
    this.box.querySelector(".groups").replaceChildren(...data.groups.map((group) => this.group(group, data.url)));
    this.roving.choose([...this.buttons.values()]);
  }

  group({ label, count, pictures }, url) {
    const section = element("section", { className: "group" });
    const heading = element("h4");
    heading.append(element("span", { className: "label", textContent: label }), " ");
    heading.append(element("span", { className: "count", textContent: count }));
    const tiles = element("div", { className: "tiles" });
    tiles.append(...pictures.map((picture) => this.tile(picture, url)));
    section.append(heading, tiles);
    return section;
  }

  tile({ id, name, file }, url) {
    const button = element("button", { type: "button", className: "tile", title: name });
    button.append(element("img", { alt: name, loading: "lazy", decoding: "async", src: `${url}/${file}` }));
    button.append(element("span", { className: "check" }));
    button.onclick = (event) => this.click(id, event.shiftKey);
    button.onkeydown = (event) => this.press(event, id);
    button.setAttribute("aria-keyshortcuts", "Enter");
    this.buttons.set(id, button);
    const open = element("button", { type: "button", className: "open", title: this.words.open, tabIndex: -1 });
    open.ariaLabel = `${this.words.open}: ${name}`;
    open.onclick = () => this.large.open(id);
    const cell = element("div", { className: "cell" });
    cell.append(button, open);
    return cell;
  }

  // The space bar selects, as a click does; Enter is for the keyboard what the lens is for the mouse.
  press(event, id) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) this.large.open(id);
  }

  click(id, isRange) {
    const ids = [...this.buttons.keys()];
    const [from, to] = [ids.indexOf(this.last), ids.indexOf(id)].sort((a, b) => a - b);
    const isOn = !this.selected.has(id);
    this.choose(isRange && from >= 0 ? ids.slice(from, to + 1) : [id], isOn);
    this.last = id;
  }

  choose(ids, isOn) {
    for (const id of ids) isOn ? this.selected.add(id) : this.selected.delete(id);
    this.mark();
    this.setStateValue("selection", { number: this.selection, ids: [...this.selected] });
  }

  isAll() {
    return [...this.buttons.keys()].every((id) => this.selected.has(id));
  }

  mark() {
    for (const [id, button] of this.buttons) button.setAttribute("aria-pressed", this.selected.has(id));
    this.all.textContent = this.isAll() ? this.words.none : this.words.all;
  }
}

export default lasting("picture-grid", PictureGrid);
