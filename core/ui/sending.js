// What our components have in common when they send files to routes.py; put in front of each one's own script.

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

function request({ url, header, token }, method, path, body, { signal, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url + path);
    request.setRequestHeader(header, token);
    request.responseType = "json";
    if (onProgress) request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onerror = request.onabort = () => reject(new Refusal("network"));
    request.onload = () =>
      request.status < 300 ? resolve(request.response) : reject(new Refusal(request.response?.error ?? "failed"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function pack(batch) {
  const header = new TextEncoder().encode(JSON.stringify(batch.map(([path, file]) => [path, file.size])));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, header.length);
  return new Blob([length, header, ...batch.map(([, file]) => file)]);
}
