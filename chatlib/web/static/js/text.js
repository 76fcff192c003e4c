// A message's text as nodes: links, code, names and files. Whatever it is, it ends as text.

import { plain } from "./bidi.js";
import { bytes, t } from "./i18n.js";
import { el, icon } from "./dom.js";

const PARTS =
  /```\n?([\s\S]+?)\n?```|`([^`\n]+)`|(https?:\/\/[^\s<>"\u0000-\u0020\u202a-\u202e\u2066-\u2069]+)|(@[^\s/@]{1,32})/gu;
const FILE = /^\/files\/([0-9a-f]{64})\/([^/?#]+)$/;
const PICTURE = /\.(png|jpe?g|gif|webp|avif)$/i;
const TAIL = ".,;:!?)]}'»”";

// The line that tells of a file: everyone who has no page reads a name and a link.
export function fileLine({ name, size, url, width, height }) {
  const where = new URL(url, document.baseURI);
  where.hash = [size, width && height ? `${width}x${height}` : ""].filter(Boolean).join(",");
  return `${name}: ${where.href}`;
}

function asFile(href) {
  let url;
  try {
    url = new URL(href);
  } catch {
    return null;
  }
  if (url.origin !== location.origin) return null;
  const found = FILE.exec(url.pathname);
  if (!found) return null;
  let name;
  try {
    name = decodeURIComponent(found[2]);
  } catch {
    name = found[2];
  }
  const [, size, width, height] = /^#(\d+)?(?:,?(\d+)x(\d+))?$/.exec(url.hash) ?? [];
  return {
    href: url.pathname,
    name: plain(name),
    size: Number(size),
    width: Number(width),
    height: Number(height),
    picture: PICTURE.test(name),
  };
}

function fileNode(file) {
  if (file.picture && file.width && file.height) {
    const scale = Math.min(1, 360 / file.width, 280 / file.height);
    const image = el("img", {
      src: file.href,
      alt: t("picture", { name: file.name }),
      loading: "lazy",
      decoding: "async",
      width: Math.round(file.width * scale),
      height: Math.round(file.height * scale),
    });
    const link = el(
      "a",
      { class: "pic", href: file.href, target: "_blank", rel: "noopener noreferrer" },
      image,
    );
    image.addEventListener("error", () => link.replaceWith(fileNode({ ...file, picture: false })));
    return link;
  }
  return el(
    "a",
    {
      class: "file",
      href: file.href,
      download: file.name,
      "aria-label": t("file", { name: file.name }),
    },
    icon("file"),
    el("span", { class: "fname" }, file.name),
    file.size ? el("span", { class: "fsize" }, bytes(file.size)) : null,
  );
}

// Punctuation at the end of an address is the sentence's; a bracket that it opened is its own.
function withoutTail(href) {
  let end = href.length;
  while (TAIL.includes(href[end - 1])) end -= 1;
  return href.slice(0, href[end] === ")" && href.slice(0, end).includes("(") ? end + 1 : end);
}

// What looks like another address than it is, by a user's name before it, leads nowhere.
function link(href) {
  let url;
  try {
    url = new URL(href);
  } catch {
    return href;
  }
  if (url.username || url.password) return href;
  const title = url.hostname.includes("xn--") ? url.href : undefined;
  return el(
    "a",
    { href: url.href, title, target: "_blank", rel: "noopener noreferrer nofollow ugc" },
    href,
  );
}

// Text to nodes. `isName` tells whether a nickname is somebody's, `mine` whether it is one's own.
export function rich(text, { mine, isName }) {
  const nodes = [];
  const files = [];
  let at = 0;
  const take = (s) => s && nodes.push(s);
  for (const found of text.matchAll(PARTS)) {
    let end = found.index + found[0].length;
    let before = text.slice(at, found.index);
    let node;
    if (found[1] !== undefined) {
      before = before.replace(/\n$/, "");
      node = el("pre", { tabindex: "0" }, el("code", {}, plain(found[1])));
    } else if (found[2] !== undefined) {
      node = el("code", {}, plain(found[2]));
    } else if (found[3] !== undefined) {
      const href = withoutTail(found[3]);
      end = found.index + href.length;
      const file = asFile(href);
      if (file) {
        const prefix = `${file.name}: `;
        if (before.endsWith(prefix)) before = before.slice(0, -prefix.length);
        files.push(fileNode(file));
        take(plain(before.replace(/\n$/, "")));
        at = end;
        continue;
      }
      node = link(href);
    } else {
      const name = found[4].slice(1).replace(/[.,;:!?)]+$/u, "");
      if (!isName(name)) continue;
      end = found.index + 1 + name.length;
      node = el("span", { class: mine(name) ? "at me" : "at" }, `@${name}`);
    }
    take(plain(before));
    nodes.push(node);
    at = end;
  }
  take(plain(text.slice(at)).replace(/^\n/, nodes.at(-1)?.nodeName === "PRE" ? "" : "\n"));
  return { nodes, files };
}

// Whether one is mentioned: @name, or the name as a word of its own.
export function mentions(text, nick) {
  if (!nick || !text) return false;
  const low = text.normalize("NFKC").toLowerCase();
  const name = nick.normalize("NFKC").toLowerCase();
  for (let at = low.indexOf(name); at >= 0; at = low.indexOf(name, at + 1)) {
    const before = low.slice(0, at).at(-1) ?? " ";
    const after = low.slice(at + name.length).at(0) ?? " ";
    const word = /[\p{L}\p{N}_-]/u;
    if (!word.test(before) && !word.test(after)) return true;
  }
  return false;
}

// Whether a text is nothing but pictographs.
export const isEmoji = (text) =>
  /^[\p{Extended_Pictographic}\u200d\ufe0f\u{1f3fb}-\u{1f3ff}\s]+$/u.test(text) &&
  text.trim() !== "";

// One line that says what a message is about, for replies, notifications and lists.
export function summary(text) {
  return plain(text.slice(0, 1000))
    .replace(/(\S[^\n:]*): https?:\/\/\S+\/files\/[0-9a-f]{64}\/\S+/g, "📎 $1")
    .replace(/```/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}
