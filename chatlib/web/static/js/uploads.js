// Files on their way to the page server, and what is known of a picture before it goes.

import { t, why } from "./i18n.js";

const MOST = 25 * 1000 * 1000;

export class Upload {
  constructor(file, changed) {
    this.file = file;
    this.name = (
      file.name || `${t("sentFile")}.${(file.type.split("/")[1] || "bin").replace(/\W.*/, "")}`
    ).replace(/\s+/g, " ");
    this.changed = changed;
    this.share = 0;
    this.error = "";
    this.found = null;
    this.preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : "";
    this.done = this.run();
  }

  async run() {
    try {
      if (this.file.size > MOST) throw { code: "too_big", message: "too big" };
      const size = this.preview ? await dimensions(this.preview) : {};
      this.found = { ...(await this.post()), ...size };
    } catch (error) {
      this.error = t("uploadFailed", {
        name: this.name,
        why: error.code === "unreachable" ? t("uploadOffline") : why(error),
      });
    }
    this.changed();
  }

  post() {
    return new Promise((grant, refuse) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("POST", new URL("files", document.baseURI));
      request.setRequestHeader("content-type", "application/octet-stream");
      request.setRequestHeader("x-file-name", encodeURIComponent(this.name));
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        this.share = event.loaded / event.total;
        this.changed();
      };
      request.onload = () => {
        if (request.status < 300 && request.response?.url) grant(request.response);
        else refuse(request.response?.error ?? { code: "", message: `HTTP ${request.status}` });
      };
      request.onerror = request.onabort = () => refuse({ code: "unreachable" });
      request.send(this.file);
    });
  }

  cancel() {
    this.request?.abort();
    if (this.preview) URL.revokeObjectURL(this.preview);
  }
}

function dimensions(url) {
  return new Promise((found) => {
    const image = new Image();
    image.onload = () => found({ width: image.naturalWidth, height: image.naturalHeight });
    image.onerror = () => found({});
    image.src = url;
  });
}
