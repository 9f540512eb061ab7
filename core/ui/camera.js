// The camera of camera.py: takes pictures while a button is held, which burst.js sends meanwhile.

const LAST_SHOTS = 8;
const ENCODING_AT_ONCE = 3; // a slow phone skips pictures rather than falling behind

class Camera {
  constructor(box) {
    this.box = box;
    this.part = (name) => box.querySelector("." + name);
    this.video = this.part("preview");
    this.hold = this.part("hold");
    this.asked = { facingMode: { ideal: "user" } };
    this.warn = (event) => event.preventDefault();
    this.onHidden = () => document.hidden && this.pause("hidden");
    document.addEventListener("visibilitychange", this.onHidden);
    this.listen();
  }

  update(data, setStateValue) {
    const first = !this.data;
    this.data = data;
    this.setStateValue = setStateValue;
    this.format = new Intl.NumberFormat(data.language);
    for (const name of ["turn_on", "turn_off", "discard", "retry", "unsaved"]) {
      this.part(name.replace("_", "-")).textContent = data.words[name];
    }
    this.box.classList.toggle("next", data.isNext);
    this.box.setAttribute("aria-label", data.words.camera);
    this.video.setAttribute("aria-label", data.words.preview);
    this.part("strip").setAttribute("aria-label", data.words.strip);
    if (first) {
      this.burst = this.newBurst();
      this.part("rate").value = data.rate;
    }
    this.draw();
  }

  newBurst() {
    return new Burst(() => this.data, () => this.draw());
  }

  listen() {
    this.part("turn-on").onclick = () => this.turnOn();
    this.part("turn-off").onclick = () => this.pause("");
    this.part("switch").onclick = () => this.turnOn(this.others);
    this.part("rate").oninput = () => this.draw();
    this.part("discard").onclick = () => this.discard();
    this.part("add").onclick = () => this.add();
    this.part("retry").onclick = () => this.burst.send();
    this.hold.onpointerdown = (event) => {
      if (event.button) return;
      this.hold.setPointerCapture(event.pointerId);
      this.record();
    };
    this.hold.onpointerup = this.hold.onpointercancel = this.hold.onlostpointercapture = () => this.rest();
    this.hold.onkeydown = (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.record();
    };
    this.hold.onkeyup = (event) => {
      if (event.key === " " || event.key === "Enter") event.preventDefault();
      this.rest();
    };
    this.hold.onblur = () => this.rest();
    // A screen reader clicks without holding: one picture.
    this.hold.onclick = (event) => event.detail || this.shoot();
    this.hold.oncontextmenu = (event) => event.preventDefault();
  }

  async turnOn(asked = this.asked) {
    const media = navigator.mediaDevices;
    if (!window.isSecureContext || !media?.getUserMedia) return this.tell("insecure");
    this.close();
    this.tell("");
    const opening = (this.opening = {});
    this.draw();
    try {
      const size = { width: { ideal: 1280 }, height: { ideal: 960 } };
      const stream = await media.getUserMedia({ audio: false, video: { ...size, ...asked } });
      const gone = this.opening !== opening || document.hidden || !this.box.isConnected;
      if (gone) return stream.getTracks().forEach((track) => track.stop());
      this.asked = asked;
      await this.show(stream);
    } catch (error) {
      if (this.opening === opening) this.pause(REASONS[error.name] ?? "busy");
    } finally {
      if (this.opening === opening) this.opening = null;
      this.draw();
    }
    if (this.stream) this.hold.focus({ preventScroll: true });
  }

  async show(stream) {
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.stream === stream && this.pause("ended");
    const settings = track.getSettings();
    this.isBack = settings.facingMode ? settings.facingMode === "environment" : /back|rear/i.test(track.label);
    this.video.classList.toggle("mirrored", !this.isBack);
    this.video.srcObject = stream;
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const next = (cameras.findIndex(({ deviceId }) => deviceId === settings.deviceId) + 1) % cameras.length;
    const facing = { facingMode: { ideal: this.isBack ? "user" : "environment" } };
    const other = settings.facingMode ? facing : { deviceId: { exact: cameras[next]?.deviceId } };
    this.others = cameras.length > 1 ? other : null;
    this.switchWord = settings.facingMode ? (this.isBack ? "use_front" : "use_back") : "use_next";
    await this.video.play();
  }

  pause(reason) {
    const was = this.stream || this.opening;
    this.close();
    if (was) this.tell(reason);
    this.draw();
  }

  close() {
    this.rest();
    this.opening = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }

  record() {
    if (this.timer || !this.stream || this.burst.adding) return;
    this.tell("");
    this.part("news").textContent = "";
    this.timer = setInterval(() => this.shoot(), 1000 / this.part("rate").value);
    this.shoot();
  }

  rest() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.part("news").textContent = this.say("taken", { taken: this.burst.shots.length + this.burst.encoding });
    this.draw();
  }

  shoot() {
    const { burst, video } = this;
    if (!this.stream || !video.videoWidth || burst.encoding >= ENCODING_AT_ONCE || burst.adding) return;
    if (burst.shots.length + burst.encoding >= this.data.maxShots) {
      this.rest();
      return this.tell("limit");
    }
    addEventListener("beforeunload", this.warn);
    // The mirror is only in the style of the preview: what is drawn here is as the camera sees it.
    burst.take(video, this.data.side);
    this.draw();
  }

  discard() {
    this.burst.cancel();
    this.restart("discarded");
  }

  async add() {
    this.rest();
    const burst = this.burst;
    const label = this.data.label; // as the button said, whatever is chosen meanwhile
    const id = await burst.finish();
    if (!id || this.burst !== burst) return;
    this.restart("added", { taken: burst.shots.length });
    this.setStateValue("added", { upload_id: id, label });
  }

  restart(word, values) {
    removeEventListener("beforeunload", this.warn);
    this.burst.forget();
    this.burst = this.newBurst();
    this.tell("");
    this.part("news").textContent = this.say(word, values);
    this.draw();
    if (this.stream) this.hold.focus({ preventScroll: true });
  }

  leave() {
    removeEventListener("beforeunload", this.warn);
    document.removeEventListener("visibilitychange", this.onHidden);
    this.close();
    this.burst.cancel();
    this.burst.forget();
  }

  say(word, values = {}) {
    return this.data.words[word].replace(/\{(\w+)\}/g, (place, name) =>
      name in values ? (typeof values[name] === "number" ? this.format.format(values[name]) : values[name]) : place,
    );
  }

  tell(reason) {
    this.part("problem").textContent = reason && this.say("problem_" + reason, { limit: this.data.maxShots });
  }

  draw() {
    const { burst } = this;
    const taken = burst.shots.length;
    const values = { taken, sent: burst.next, label: this.data.label, rate: Number(this.part("rate").value) };
    this.box.classList.toggle("on", Boolean(this.stream));
    this.box.classList.toggle("recording", Boolean(this.timer));
    this.box.classList.toggle("waiting", taken > 0);
    this.part("off").hidden = Boolean(this.stream);
    this.part("turn-on").disabled = Boolean(this.opening);
    for (const name of ["switch", "turn-off"]) this.part(name).hidden = !this.stream;
    this.part("switch").hidden ||= !this.others;
    if (this.switchWord) this.part("switch").textContent = this.data.words[this.switchWord];
    this.part("rate").disabled = Boolean(this.timer);
    this.part("rate-text").textContent = this.say("rate", values);
    this.hold.disabled = !this.stream || burst.adding;
    this.hold.textContent = this.data.words[this.timer ? "holding" : "hold"];
    this.part("count").textContent = this.say("count", values);
    this.part("add").textContent = burst.adding ? this.say("adding") : this.say(values.label ? "add" : "unnamed", values);
    this.part("add").disabled = !taken || !values.label || burst.adding || Boolean(this.timer);
    this.part("discard").disabled = !taken || burst.adding || Boolean(this.timer);
    this.part("unsaved").hidden = !taken;
    this.part("failed").hidden = !burst.code;
    const words = this.data.words;
    if (burst.code) this.part("sentence").textContent = words["error_" + burst.code] ?? words.error_failed;
    this.drawStrip(burst.shots.slice(-LAST_SHOTS));
  }

  drawStrip(shots) {
    const strip = this.part("strip");
    const wanted = shots.map(([, , picture]) => picture);
    for (const picture of [...strip.children]) if (!wanted.includes(picture)) picture.remove();
    for (const picture of wanted) if (!picture.isConnected) strip.append(picture);
  }
}

const REASONS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};

export default lasting("camera", Camera);
