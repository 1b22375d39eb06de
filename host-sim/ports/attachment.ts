import type { Frame } from "../../src/core/frame.js";
import type { FramePort } from "../../src/platform/framePort.js";

/** What an attachment tells the program it belongs to. */
export interface AttachmentListener {
  /** A frame came in. It may be rewritten in place and sent on; the attachment reuses it when this returns. */
  onFrame(frame: Frame, length: number): void;
  /** The frames that were waiting have been handed over, or as many as one turn of the event loop may take. */
  onBatchEnd?(): void;
  /** The link came, went, or was misused: one sentence for the user. The attachment itself copes. */
  onNotice(sentence: string): void;
}

/** Frames since the attachment was opened. */
export class AttachmentCounters {
  received = 0;
  sent = 0;
  /** Not sent: the link was down or the other side did not keep up. */
  refused = 0;
  /** Came in and not handed over: shorter than an Ethernet header or longer than Ethernet allows. */
  discarded = 0;
}

/**
 * A port between the simulator and something real: a device of this machine's kernel, or a program at the other end of
 * a socket. Frames come in between `start` and `close`; what arrives before waits in the kernel.
 */
export interface Attachment extends FramePort {
  readonly counters: AttachmentCounters;
  /** Whether frames can be carried now. */
  readonly up: boolean;
  /** Called once. */
  start(listener: AttachmentListener): void;
  /** Hands over the frames that are there now, in one batch, without waiting. Returns whether there was one. */
  takeWaiting?(): boolean;
  /**
   * Until `uncork`, frames that are sent are kept, to go in one burst. `send` takes them; those that turn out not to be
   * carried are counted as refused.
   */
  cork?(): void;
  uncork?(): void;
  /** Lets go of the device or socket at once, after which nothing is called back and the event loop may end. */
  close(): void;
  /** As the user wrote it: `tap:lan0`. */
  describe(): string;
}
