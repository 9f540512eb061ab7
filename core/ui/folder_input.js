// The drop zone of folder_input.py: finds the files, sends them in batches (by sending.js), shows how far it is.

class FolderInput {
  constructor(zone) {
    this.zone = zone;
    this.part = (name) => zone.querySelector("." + name);
    this.files = zone.querySelector("input");
    this.upload = null;
    this.listen();
  }

  update(data, setStateValue) {
    const first = !this.data;
    this.data = data;
    this.setStateValue = setStateValue;
    this.format = new Intl.NumberFormat(data.language);
    const words = data.words;
    this.folders = data.kind === "folder" && "webkitdirectory" in HTMLInputElement.prototype;
    if (first) this.files.webkitdirectory = this.folders;
    const title = this.folders || data.kind !== "folder" ? words.title : words.title_without_folders;
    for (const name of ["hint", "choose_folder", "choose_files", "cancel", "retry", "give_up"]) {
      this.part(name.replace("_", "-")).textContent = words[name];
    }
    if (!this.zone.classList.contains("over")) this.part("title").textContent = title;
    this.title = title;
    this.zone.setAttribute("aria-label", title);
    this.part("bar").setAttribute("aria-label", words.progress);
    this.zone.classList.toggle("next", data.isNext);
    this.part("choose-folder").hidden = !this.folders;
    this.part("choose-files").classList.toggle("primary", !this.folders);
  }

  listen() {
    this.part("choose-folder").onclick = () => this.choose(true);
    this.part("choose-files").onclick = () => this.choose(false);
    this.part("cancel").onclick = () => this.cancel();
    this.part("retry").onclick = () => this.send();
    this.part("give-up").onclick = () => this.cancel();
    this.files.onchange = () => {
      const found = [...this.files.files].map((file) => [file.webkitRelativePath || file.name, file]);
      this.files.value = "";
      this.files.webkitdirectory = this.folders;
      this.begin(async () => found);
    };
    this.files.oncancel = () => (this.files.webkitdirectory = this.folders);
    this.zone.ondragover = (event) => {
      event.preventDefault();
      this.over(!this.upload);
    };
    this.zone.ondragleave = (event) => this.zone.contains(event.relatedTarget) || this.over(false);
    this.zone.ondrop = (event) => {
      event.preventDefault();
      this.over(false);
      // Entries must be asked for at once: after the event they are gone.
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const loose = [...event.dataTransfer.files].map((file) => [file.name, file]);
      if (this.upload) return;
      this.begin(entries.length ? (onFound, signal) => walk(entries, onFound, signal) : async () => loose);
    };
    this.warn = (event) => event.preventDefault();
  }

  choose(folder) {
    this.files.webkitdirectory = folder;
    this.files.click();
  }

  over(is) {
    this.zone.classList.toggle("over", is);
    this.part("title").textContent = is ? this.data.words.drop : this.title;
  }

  show(part) {
    for (const name of ["idle", "busy", "failed"]) this.part(name).hidden = name !== part;
  }

  say(word, values = {}) {
    return this.data.words[word].replace(/\{(\w+)\}/g, (place, name) =>
      name in values ? this.format.format(values[name]) : place,
    );
  }

  async begin(find) {
    const upload = { stop: new AbortController(), skipped: [], next: 0, id: null };
    this.upload = upload;
    this.part("news").textContent = "";
    this.show("busy");
    this.progress(null, this.say("reading", { files: 0 }));
    this.part("cancel").focus({ preventScroll: true });
    try {
      const onFound = (files) => this.progress(null, this.say("reading", { files }));
      const found = await find(onFound, upload.stop.signal);
      if (this.upload !== upload) return;
      this.plan(upload, found);
    } catch (error) {
      return this.upload === upload && this.fail(error);
    }
    if (!upload.files.length && !upload.skipped.length) return this.fail(new Refusal("empty"));
    addEventListener("beforeunload", this.warn);
    this.send();
  }

  plan(upload, found) {
    const limits = this.data.limits;
    const limit = (path) => (/\.zip$/i.test(path) ? limits.uploadBytes : limits.fileBytes);
    upload.skipped = found.filter(([path, file]) => !file || file.size > limit(path));
    upload.skipped = upload.skipped.map(([path, file]) => [path, file ? "size" : "unreadable"]);
    upload.files = found.filter(([path, file]) => file && file.size <= limit(path));
    upload.bytes = sum(upload.files);
    if (upload.files.length > limits.files || upload.bytes > limits.uploadBytes) throw new Refusal("too_large");
    upload.batches = batches(upload.files, limits);
  }

  async send() {
    const upload = this.upload;
    if (!upload.batches) return this.cancel();
    this.show("busy");
    upload.began = performance.now();
    upload.bytesBefore = sum(upload.batches.slice(0, upload.next).flat());
    try {
      if (!upload.id) {
        const begun = await this.ask("", { num_files: upload.files.length, num_bytes: upload.bytes });
        upload.id = begun.upload_id;
      }
      while (upload.next < upload.batches.length) {
        await this.sendBatch(upload);
        upload.next += 1;
      }
      this.progress(1, undefined, this.data.words.finishing);
      const { num_files } = await this.ask(`/${upload.id}/finish`, { skipped: upload.skipped });
      if (this.upload === upload) this.finish(upload.id, num_files);
    } catch (error) {
      if (this.upload === upload) this.fail(error);
    }
  }

  async sendBatch(upload) {
    const before = upload.batches.slice(0, upload.next).flat();
    const [bytes, files] = [sum(before), before.length];
    const batch = upload.batches[upload.next];
    const onProgress = (share) =>
      this.count(upload, bytes + share * sum(batch), files + Math.floor(share * batch.length));
    onProgress(0);
    try {
      await this.request("POST", `/${upload.id}`, pack(batch), onProgress);
    } catch (error) {
      if (error.code !== "network" || this.upload !== upload) throw error;
      // A file that was moved or may not be read breaks the whole request: leave it out and say so.
      const unreadable = await unreadableOf(batch);
      if (!unreadable.length) throw error;
      upload.skipped.push(...unreadable.map(([path]) => [path, "unreadable"]));
      upload.batches[upload.next] = batch.filter((item) => !unreadable.includes(item));
      await this.sendBatch(upload);
    }
  }

  count(upload, bytes, files) {
    const values = { done: files, files: upload.files.length };
    values.done_megabytes = Math.round(bytes / 2 ** 20);
    values.megabytes = Math.max(1, Math.round(upload.bytes / 2 ** 20));
    const seconds = (performance.now() - upload.began) / 1000;
    const left = ((upload.bytes - bytes) * seconds) / Math.max(1, bytes - upload.bytesBefore);
    this.progress(bytes / Math.max(1, upload.bytes), this.say("numbers", values), seconds > 1 ? this.time(left) : "");
  }

  time(seconds) {
    if (seconds < 3) return this.data.words.finishing;
    if (seconds < 90) return this.say("seconds_left", { seconds: Math.ceil(seconds) });
    return this.say("minutes_left", { minutes: Math.round(seconds / 60) });
  }

  progress(share, numbers, time = "") {
    const bar = this.part("bar");
    bar.classList.toggle("unknown", share === null);
    bar.firstElementChild.style.width = `${100 * (share ?? 0)}%`;
    if (share === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", Math.round(100 * share));
    if (numbers !== undefined) this.part("numbers").textContent = numbers;
    this.part("time").textContent = time;
  }

  finish(id, files) {
    this.end("done", { files });
    this.setStateValue("upload_id", id);
  }

  fail(error) {
    const upload = this.upload;
    const known = "error_" + error.code in this.data.words;
    const code = known ? error.code : "failed";
    const limits = this.data.limits;
    const values = { limit_files: limits.files, limit_gigabytes: limits.uploadBytes / 2 ** 30, zip_files: limits.zipFiles };
    values.done = upload.batches ? upload.batches.slice(0, upload.next).flat().length : 0;
    values.files = upload.files?.length ?? 0;
    this.part("sentence").textContent = this.say("error_" + code, values);
    this.part("retry").hidden = !["network", "disk_full", "failed"].includes(code) || !upload.batches;
    this.show("failed");
    this.part(this.part("retry").hidden ? "give-up" : "retry").focus({ preventScroll: true });
  }

  cancel() {
    this.leave();
    this.end("cancelled");
  }

  end(word, values) {
    removeEventListener("beforeunload", this.warn);
    this.upload = null;
    this.show("idle");
    this.part("news").textContent = this.say(word, values);
  }

  leave() {
    removeEventListener("beforeunload", this.warn);
    const upload = this.upload;
    this.upload = null;
    upload?.stop.abort();
    if (upload?.id) this.request("DELETE", `/${upload.id}`).catch(() => {}); // what is left goes with the next sweep
  }

  ask(path, values) {
    return this.request("POST", path, JSON.stringify(values));
  }

  request(method, path, body, onProgress) {
    return request(this.data, method, path, body, { signal: this.upload?.stop.signal, onProgress });
  }
}

const sum = (files) => files.reduce((bytes, [, file]) => bytes + file.size, 0);

function batches(files, limits) {
  const made = [];
  let bytes = Infinity;
  for (const item of files) {
    if (bytes + item[1].size > limits.batchBytes || made.at(-1).length === limits.batchFiles) {
      made.push([]);
      bytes = 0;
    }
    made.at(-1).push(item);
    bytes += item[1].size;
  }
  return made;
}

async function unreadableOf(batch) {
  const read = ([, file]) => file.slice(0, 1).arrayBuffer();
  const results = await Promise.allSettled(batch.map(read));
  return batch.filter((_, index) => results[index].status === "rejected");
}

async function walk(entries, onFound, signal) {
  const found = [];
  const waiting = [...entries];
  while (waiting.length && !signal.aborted) {
    const entry = waiting.pop();
    if (entry.isDirectory) waiting.push(...(await children(entry)));
    else found.push([entry.fullPath.replace(/^\//, ""), await fileOf(entry)]);
    if (found.length % 50 === 0) onFound(found.length);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  // The browser hands out a hundred at a time, and none when all are out.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

export default lasting("zone", FolderInput);
