// A picture seen large, of several; put in front of the scripts of components that have the dialog of large.py.

class Large {
  // `onClose` is told which picture was shown last.
  constructor(dialog, onClose) {
    this.dialog = dialog;
    this.part(".before").onclick = () => this.step(-1);
    this.part(".after").onclick = () => this.step(1);
    this.part(".close").onclick = () => dialog.close();
    dialog.onclick = (event) => event.target === dialog && dialog.close(); // beside the picture
    dialog.onkeydown = (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (way && !event.altKey) this.step(way); // with Alt, the arrows are the browser's own
      event.stopPropagation(); // the page's own keys sleep meanwhile
    };
    dialog.onclose = () => onClose(this.shown);
  }

  part(name) {
    return this.dialog.querySelector(name);
  }

  update({ url, words }) {
    this.url = url;
    for (const name of ["before", "after", "close"]) this.part(`.${name}`).ariaLabel = words[name];
  }

  // These are the pictures from now on; one of before is shown no more.
  choose(pictures) {
    this.pictures = pictures;
    if (this.dialog.open) this.dialog.close();
  }

  open(id) {
    this.show(id);
    this.dialog.showModal();
    this.dialog.focus(); // not a button, which a held Enter would press
  }

  show(id) {
    const place = this.pictures.findIndex((picture) => picture.id === id);
    const { name, large, facts, findings } = this.pictures[place];
    this.shown = id;
    Object.assign(this.part("img"), { src: `${this.url}/${large}`, alt: name });
    this.dialog.ariaLabel = name;
    this.part(".name").textContent = name;
    this.part(".facts").textContent = facts;
    this.part(".findings").replaceChildren(...findings.map((textContent) => element("li", { textContent })));
    // `disabled` would take the focus from the button just pressed, and the keys with it.
    this.part(".before").ariaDisabled = place === 0;
    this.part(".after").ariaDisabled = place === this.pictures.length - 1;
  }

  step(way) {
    const next = this.pictures[this.pictures.findIndex((picture) => picture.id === this.shown) + way];
    if (next) this.show(next.id);
  }
}

const element = (name, values = {}) => Object.assign(document.createElement(name), values);

