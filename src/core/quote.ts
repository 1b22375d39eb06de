/** A word of the user's as a message quotes it: on one line, and not too long. */
export function quote(text: string): string {
  let shown = "";
  for (let i = 0; i < text.length && i < 60; i++) {
    const code = text.charCodeAt(i);
    // Surrogates, line separators and the like as well: the terminal may know nothing but ASCII.
    shown += code < 0x20 || code > 0x7e ? "?" : text.charAt(i);
  }
  const mark = shown.includes('"') ? "'" : '"';
  return `${mark}${shown}${text.length > 60 ? "..." : ""}${mark}`;
}
