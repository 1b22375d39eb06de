/** Where the configuration survives a restart: flash on a board, a file on the desktop. */
export interface Storage {
  /** The text last written, or undefined when there is none. */
  read(): string | undefined;
  /**
   * Replaces the stored text as a whole: after a power cut at any instant, `read` gives the old or the new text.
   * Throws an Error whose message is one sentence when the text cannot be stored.
   */
  write(text: string): void;
  /**
   * Where a written text is if it does not last, and what would make it last: what follows "saved" in a sentence. Absent
   * where it lasts.
   */
  readonly caveat?: string;
}
