// What others wrote, so that it does not turn around what stands beside it on a line.

const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
const FROM_RIGHT =
  /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export const plain = (text) => text.replace(TURNS, "");

// For a sentence that it becomes a part of: what reads from the right stands in an isolate.
export function apart(text) {
  const found = plain(text);
  return FROM_RIGHT.test(found) ? `\u2068${found}\u2069` : found;
}
