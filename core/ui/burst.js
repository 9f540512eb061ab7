// The pictures of camera.js that are not in a class yet: kept here until they are added, and sent (by sending.js) meanwhile.

class Burst {
  constructor(data, onChange) {
    this.data = data;
    this.onChange = onChange;
    this.stop = new AbortController();
    this.began = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
    this.shots = []; // [name, JPEG, picture to show]
    this.encoding = 0;
    this.next = 0; // how many the server has
    this.adding = false;
    this.code = ""; // why sending stopped
  }

  async take(video, side) {
    this.encoding += 1;
    const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const file = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
    this.encoding -= 1;
    if (!file || this.stop.signal.aborted) return;
    const number = String(this.shots.length + 1).padStart(4, "0");
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    this.shots.push([`camera-${this.began}-${number}.jpg`, file, picture]);
    this.onChange();
    if (!this.code && !this.adding) this.send();
  }

  /** Sends what waits; what is taken meanwhile goes with the next batch. All pictures are kept until they are added. */
  send() {
    this.code = "";
    this.sending ??= this.sendAll()
      .catch((error) => this.fail(error))
      .finally(() => {
        this.sending = null;
        this.onChange();
      });
    return this.sending;
  }

  async sendAll() {
    const { maxShots, shotBytes, batchFiles } = this.data();
    while (this.next < this.shots.length && !this.stop.signal.aborted) {
      this.id ??= await this.begin({ num_files: maxShots, num_bytes: maxShots * shotBytes });
      const batch = this.shots.slice(this.next, this.next + batchFiles);
      await this.request("POST", `/${this.id}`, pack(batch));
      this.next += batch.length;
      this.onChange();
    }
  }

  async begin(values) {
    const { upload_id: id } = await this.request("POST", "", JSON.stringify(values));
    if (this.stop.signal.aborted) this.remove(id);
    return id;
  }

  async finish() {
    this.adding = true;
    this.onChange();
    while (this.encoding) await new Promise((resolve) => setTimeout(resolve, 20));
    while (this.next < this.shots.length || this.sending) {
      await this.send();
      if (this.code || this.stop.signal.aborted) return null;
    }
    try {
      await this.request("POST", `/${this.id}/finish`, JSON.stringify({ skipped: [] }));
      return this.id;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  fail(error) {
    if (this.stop.signal.aborted) return;
    this.code = error.code ?? "failed";
    this.adding = false;
    if (this.code === "unknown") {
      // The server has forgotten the upload, as after a restart: begin again with every picture.
      this.id = null;
      this.next = 0;
    }
    this.onChange();
  }

  cancel() {
    this.stop.abort();
    if (this.id) this.remove(this.id);
  }

  remove(id) {
    request(this.data(), "DELETE", `/${id}`).catch(() => {}); // what is left goes with the next sweep
  }

  forget() {
    this.stop.abort();
    for (const [, , picture] of this.shots) URL.revokeObjectURL(picture.src);
  }

  request(method, path, body) {
    return request(this.data(), method, path, body, { signal: this.stop.signal });
  }
}
