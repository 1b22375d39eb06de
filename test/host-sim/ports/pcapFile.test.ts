import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Attachment, AttachmentCounters, type AttachmentListener } from "../../../host-sim/ports/attachment.js";
import { captureAttachment, capturePort } from "../../../host-sim/ports/capture.js";
import { PcapFile, readPcap } from "../../../host-sim/ports/pcapFile.js";
import { ETHERNET_AT, Frame } from "../../../src/core/frame.js";
import { testIf } from "../../support/skip.js";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-pcap-"));
  path = join(directory, "link.pcap");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A broadcast frame of an experimental EtherType, which says `mark` in its payload. */
function marked(mark: number): Frame {
  const frame = new Frame();
  frame.bytes.fill(0xff, ETHERNET_AT, ETHERNET_AT + 6);
  frame.view.setUint16(ETHERNET_AT + 12, 0x88b5);
  frame.bytes[ETHERNET_AT + 14] = mark;
  return frame;
}

function bytesOf(frame: Frame, length: number): Uint8Array {
  return frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length);
}

function written(): { timeMs: number; mark: number; length: number }[] {
  return readPcap(readFileSync(path)).map(({ timeMs, bytes }) => ({ timeMs, mark: bytes[14]!, length: bytes.length }));
}

describe("PcapFile", () => {
  test("keeps frames and times", () => {
    const file = new PcapFile(path);
    file.record(0, marked(1), 60);
    file.record(1234.5678, marked(2), 1514);
    file.record(2 ** 31 + 0.25, marked(3), 60);
    file.close();
    const records = readPcap(readFileSync(path));
    expect(records.map((record) => record.timeMs)).toEqual([0, expect.closeTo(1234.5678, 5), 2 ** 31 + 0.25]);
    expect(records.map((record) => record.bytes)).toEqual(
      [bytesOf(marked(1), 60), bytesOf(marked(2), 1514), bytesOf(marked(3), 60)].map((bytes) => Buffer.from(bytes)),
    );
  });

  test("carries a time that rounds up to a full second", () => {
    const file = new PcapFile(path);
    file.record(1999.9999999, marked(1), 60);
    file.close();
    const view = new DataView(new Uint8Array(readFileSync(path)).buffer);
    expect([view.getUint32(24, true), view.getUint32(28, true)]).toEqual([2, 0]);
  });

  test("keeps more than its buffer holds", () => {
    const file = new PcapFile(path);
    for (let index = 0; index < 300; index++) file.record(index, marked(index & 0xff), 1514);
    file.close();
    expect(written().map(({ mark, timeMs }) => [mark, timeMs])).toEqual(
      Array.from({ length: 300 }, (_, index) => [index & 0xff, index]),
    );
  });

  test("is whole after flush, and ignores frames after close", () => {
    const file = new PcapFile(path);
    file.record(1, marked(1), 60);
    file.flush();
    expect(written()).toHaveLength(1);
    file.close();
    file.close();
    file.record(2, marked(2), 60);
    expect(written()).toHaveLength(1);
  });

  const full = existsSync("/dev/full");
  testIf(full, "/dev/full is missing", "ends with one sentence when the disk is full, and throws nothing", () => {
    const said: string[] = [];
    const file = new PcapFile("/dev/full", (sentence) => said.push(sentence));
    for (let index = 0; index < 300; index++) file.record(index, marked(1), 1514);
    file.flush();
    file.close();
    expect(said).toEqual([
      "the capture /dev/full ends here (ENOSPC: no space left on device, write); make room and start again to record on",
    ]);
  });

  testIf(full, "/dev/full is missing", "throws when the disk is full and nobody is to be told", () => {
    const file = new PcapFile("/dev/full");
    expect(() => file.flush()).toThrow("ENOSPC");
    file.close();
  });

  const tshark = spawnSync("tshark", ["--version"]).status === 0;
  testIf(tshark, "tshark is not installed", "is read by tshark to the nanosecond", () => {
    const file = new PcapFile(path);
    file.record(1000.000001, marked(1), 60);
    file.record(86_400_000.5, marked(2), 1514);
    file.close();
    const fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "eth.type"];
    const output = execFileSync("tshark", ["-r", path, ...fields], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(output).toBe("1.000000001\t60\t0x88b5\n86400.000500000\t1514\t0x88b5\n");
  });
});

describe("readPcap", () => {
  test("reads big-endian microseconds", () => {
    const bytes = new Uint8Array(24 + 16 + 14);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0xa1b2c3d4);
    view.setUint32(20, 1);
    view.setUint32(24, 7);
    view.setUint32(28, 500_000);
    view.setUint32(32, 14);
    view.setUint32(36, 14);
    expect(readPcap(bytes)).toEqual([{ timeMs: 7500, bytes: new Uint8Array(14) }]);
  });

  test("says what is wrong with a file", () => {
    const file = new PcapFile(path);
    file.record(1, marked(1), 60);
    file.close();
    const whole = new Uint8Array(readFileSync(path));
    expect(() => readPcap(whole.subarray(0, 23))).toThrow("shorter than the header");
    expect(() => readPcap(new Uint8Array(24))).toThrow("editcap -F pcap");
    for (let cut = 25; cut < whole.length; cut++) {
      expect(() => readPcap(whole.subarray(0, cut))).toThrow("The capture ends in the middle of record 1.");
    }
    whole[20] = 113;
    expect(() => readPcap(whole)).toThrow("This capture has link type 113; Ethernet is 1.");
  });
});

describe("a capture", () => {
  test("of a port holds the frames that it took", () => {
    const file = new PcapFile(path);
    let now = 5;
    const port = capturePort({ send: (_, length) => length < 100 }, file, () => now++);
    expect(port.send(marked(1), 60)).toBe(true);
    expect(port.send(marked(2), 100)).toBe(false);
    expect(port.send(marked(3), 61)).toBe(true);
    file.close();
    expect(written()).toEqual([
      { timeMs: 5, mark: 1, length: 60 },
      { timeMs: 6, mark: 3, length: 61 },
    ]);
  });

  test("of an attachment holds both directions, as they were on the wire", () => {
    let inner: AttachmentListener | undefined;
    const attachment: Attachment = {
      counters: new AttachmentCounters(),
      up: true,
      start: (listener) => {
        inner = listener;
      },
      send: () => true,
      close: () => {},
      describe: () => "tap:test",
    };
    const captured = captureAttachment(attachment, new PcapFile(path), () => 9);
    const notices: string[] = [];
    captured.start({
      onFrame: (frame) => {
        frame.bytes[ETHERNET_AT + 14] = 2;
        captured.send(frame, 61);
      },
      onNotice: (sentence) => void notices.push(sentence),
    });
    inner?.onFrame(marked(1), 60);
    inner?.onNotice("gone");
    captured.close();
    expect(notices).toEqual(["gone"]);
    expect(written()).toEqual([
      { timeMs: 9, mark: 1, length: 60 },
      { timeMs: 9, mark: 2, length: 61 },
    ]);
  });
});
