import type { Frame } from "../../src/core/frame.js";
import type { FramePort } from "../../src/platform/framePort.js";
import type { Attachment, AttachmentCounters, AttachmentListener } from "./attachment.js";
import type { PcapFile } from "./pcapFile.js";

/** Records what `port` took, at the time `nowMs` tells. */
export function capturePort(port: FramePort, file: PcapFile, nowMs: () => number): FramePort {
  return {
    send(frame, length) {
      const taken = port.send(frame, length);
      if (taken) file.record(nowMs(), frame, length);
      return taken;
    },
  };
}

/** Records both directions of `attachment`, and closes the file with it. */
export function captureAttachment(attachment: Attachment, file: PcapFile, nowMs: () => number): Attachment {
  return new CapturedAttachment(attachment, file, nowMs);
}

class CapturedAttachment implements Attachment {
  readonly #inner: Attachment;
  readonly #file: PcapFile;
  readonly #nowMs: () => number;
  readonly #port: FramePort;

  constructor(inner: Attachment, file: PcapFile, nowMs: () => number) {
    this.#inner = inner;
    this.#file = file;
    this.#nowMs = nowMs;
    this.#port = capturePort(inner, file, nowMs);
  }

  get counters(): AttachmentCounters {
    return this.#inner.counters;
  }

  get up(): boolean {
    return this.#inner.up;
  }

  start(listener: AttachmentListener): void {
    this.#inner.start({
      onFrame: (frame, length) => {
        // First: the listener may rewrite the frame.
        this.#file.record(this.#nowMs(), frame, length);
        listener.onFrame(frame, length);
      },
      onBatchEnd: () => listener.onBatchEnd?.(),
      onNotice: (sentence) => listener.onNotice(sentence),
    });
  }

  send(frame: Frame, length: number): boolean {
    return this.#port.send(frame, length);
  }

  close(): void {
    this.#inner.close();
    this.#file.close();
  }

  describe(): string {
    return this.#inner.describe();
  }
}
