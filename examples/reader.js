// Prints a room, its history first: reader.js tcp://127.0.0.1:5557 lobby (docs/protocol.md, 6).
const { randomUUID } = require("crypto");
const { Subscriber } = require("zeromq");

const [endpoint, room] = process.argv.slice(2);
if (!room) console.error("usage: reader.js FEED ROOM"), process.exit(2);
const feed = new Subscriber({ receiveTimeout: 5000 });
let epoch = "", cursor = 0, asked = "", answer = [];

function ask(more) { // for what is behind the cursor, by a subscription
  if (asked) feed.unsubscribe(asked);
  [asked, answer] = [more ? `replay/${room}/${cursor}/${randomUUID()}` : "", []];
  if (more) feed.subscribe(asked);
}
function print(event) {
  console.log(JSON.stringify(event));
  cursor = event.seq;
}
function take(topic, event) {
  const reborn = epoch && event.epoch && event.epoch !== epoch; // the history is another one
  epoch = event.epoch || epoch;
  if (reborn) ask((cursor = 0) === 0);
  else if (topic === asked && event.kind !== "replayed") answer.push(event);
  else if (topic === asked) { // the end of an answer; with less than its count it is not whole
    const whole = answer.length === (event.count || 0);
    if (whole) answer.filter((old) => old.seq > cursor).forEach(print);
    if (whole && !event.more) cursor = event.seq;
    ask(!whole || event.more);
  } else if (!asked && event.seq > cursor) // while an answer is awaited, that brings it
    event.prev <= cursor ? print(event) : ask(true);
}
(async () => {
  feed.subscribe(`room/${room}/`);
  feed.connect(endpoint);
  for (ask(true); ; ) {
    const [topic, body] = await feed.receive().catch(() => [ask(Boolean(asked)), ""]);
    for (const line of String(body).split("\n")) if (line) take(String(topic), JSON.parse(line));
  }
})();
