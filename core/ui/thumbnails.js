// The row of thumbnails.py: pictures that a click shows large.

class Thumbnails {
  constructor(box) {
    this.row = box.querySelector(".row");
    this.buttons = new Map(); // by the picture's id
    this.roving = new Roving(this.row);
    this.large = new Large(box.querySelector("dialog"), (id) => this.buttons.get(id)?.focus());
  }

  update(data) {
    this.large.update(data);
    const content = JSON.stringify(data);
    if (content === this.content) return;
    this.content = content;
    this.large.choose(data.pictures);
    this.buttons = new Map(data.pictures.map((picture) => [picture.id, this.button(picture, data)]));
    this.row.replaceChildren(...this.buttons.values());
    this.roving.choose([...this.buttons.values()]);
  }

  button({ id, name, file }, { url, words }) {
    const button = element("button", { type: "button", title: `${words.open}: ${name}` });
    button.append(element("img", { alt: name, loading: "lazy", decoding: "async", src: `${url}/${file}` }));
    button.ariaLabel = button.title;
    button.onclick = () => this.large.open(id);
    return button;
  }
}

export default lasting("thumbnails", Thumbnails);
