import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { parseAddress } from "../../src/core/address.js";
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Frame } from "../../src/core/frame.js";
import { Gateway, LAN, WAN } from "../../src/gateway.js";
import { Host } from "../../src/host.js";
import type { Firmware } from "../../src/platform/firmware.js";
import { UPDATE_PORT, UpdateReceiver } from "../../src/services/updateReceiver.js";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import { loadFrame, tcpFrame } from "../support/frames.js";

const GATEWAY = parseAddress("192.168.1.1") as number;
const LAPTOP = parseAddress("192.168.1.10") as number;
const BOARD = "wt32_eth01";
const IMAGE = Uint8Array.from({ length: 5000 }, (_, index) => index * 7);

/** Frames on their way from one to another. */
class Wire {
  readonly #waiting: (() => void)[] = [];
  to(receive: (frame: Frame, length: number) => void) {
    return {
      send: (frame: Frame, length: number): boolean => {
        const copy = new Frame();
        copy.bytes.set(frame.bytes.subarray(0, copy.bytes.length));
        this.#waiting.push(() => receive(copy, length));
        return true;
      },
    };
  }
  settle(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }
}

class FakeFirmware implements Firmware {
  written: number[] = [];
  state = "nothing";
  refusal = "";
  restarts = 0;

  begin(byteLength: number) {
    if (this.refusal === "begin") throw new Error(`there is no room for ${byteLength} bytes`);
    this.written = [];
    this.state = "begun";
    return {
      write: (bytes: Uint8Array) => {
        if (this.refusal === "write") throw new Error("flash is worn out");
        this.written.push(...bytes);
      },
      complete: () => {
        if (this.refusal === "complete") throw new Error("it is no image for this chip");
        this.state = "complete";
      },
      abort: () => {
        this.state = "aborted";
      },
    };
  }

  hash() {
    const hash = createHash("sha256");
    return { write: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest("hex") };
  }

  restart(): void {
    this.restarts++;
  }
}

let gateway: Gateway;
let laptop: Host;
let wire: Wire;
let firmware: FakeFirmware;
let updates: UpdateReceiver;

beforeEach(() => {
  wire = new Wire();
  const nowhere = { send: () => true };
  gateway = new Gateway({
    random: new SeededRandom(1),
    capacity: DEFAULT_CAPACITY,
    interfaces: [
      { name: "lan", mac: 0x020000000001, port: wire.to((frame, length) => laptop.receive(0, frame, length)) },
      { name: "wan", mac: 0x020000000002, port: nowhere },
    ],
  });
  laptop = new Host({
    random: new SeededRandom(2),
    capacity: DEFAULT_CAPACITY,
    interfaces: [
      { name: "eth0", mac: 0x020000000003, port: wire.to((frame, length) => gateway.receive(LAN, frame, length)) },
    ],
  });
  gateway.setAddress(LAN, GATEWAY, 24);
  laptop.setAddress(0, LAPTOP, 24);
  firmware = new FakeFirmware();
  updates = new UpdateReceiver(gateway, new SeededRandom(3), firmware, BOARD);
});

function advance(ms: number): void {
  const until = gateway.clock.now + ms;
  for (let now = gateway.clock.now; now <= until; now += 10) {
    gateway.poll(now);
    laptop.poll(now);
    updates.poll();
    wire.settle();
  }
}

/** A sender on the laptop, and what it hears. */
class Sender {
  answer = "";
  end: string | undefined;
  #toSend: Uint8Array;
  readonly socket: TcpSocket;

  constructor(header: string, image: Uint8Array = new Uint8Array()) {
    this.#toSend = Uint8Array.from([...new TextEncoder().encode(header), ...image]);
    const buffer = new Uint8Array(1000);
    this.socket = laptop.tcp.connect({
      address: GATEWAY,
      port: UPDATE_PORT,
      handler: {
        onConnected: () => this.#send(),
        onWritable: () => this.#send(),
        onReadable: (socket) => {
          this.answer += new TextDecoder().decode(buffer.subarray(0, socket.read(buffer)));
        },
        onEnd: (socket) => socket.close(),
        onClosed: (_socket, reason) => {
          this.end = reason ?? "closed";
        },
      },
    });
  }

  #send(): void {
    this.#toSend = this.#toSend.subarray(this.socket.write(this.#toSend));
  }
}

function headerOf(token: string, image = IMAGE, board = BOARD): string {
  return `porter-update ${token} ${board} ${image.length} ${createHash("sha256").update(image).digest("hex")}\n`;
}

describe("a firmware over the LAN", () => {
  it("is written, checked, answered and started", () => {
    const sender = new Sender(headerOf(updates.arm()), IMAGE);
    advance(2000);
    expect(sender.answer).toBe("ok: 5000 bytes written, restarting with them\n");
    expect(Uint8Array.from(firmware.written)).toEqual(IMAGE);
    expect(firmware).toMatchObject({ state: "complete", restarts: 1 });
    expect(updates).toMatchObject({ isArmed: false, progress: undefined, outcome: "an image was received" });
  });

  it("gets its port although a stranger has called the DMZ host there", () => {
    const { nat } = gateway;
    gateway.setAddress(WAN, parseAddress("203.0.113.2") as number, 24);
    nat.configure({ ...nat.settings, dmzAddress: parseAddress("192.168.1.50") as number });
    const stranger = { destinationMac: 0x020000000002, source: "198.51.100.90", destination: "203.0.113.2" };
    const call = tcpFrame({ ...stranger, sourcePort: 4000, destinationPort: UPDATE_PORT });
    gateway.receive(WAN, loadFrame(call), call.length);
    expect(gateway.ports.ownerKind(PROTOCOL_TCP, UPDATE_PORT)).toBe("mapping");
    new Sender(headerOf(updates.arm()), IMAGE);
    advance(2000);
    expect(updates.outcome).toBe("an image was received");
    expect(nat.sessionCount).toBe(0);
  });

  it("finds a closed port unless the console has armed it", () => {
    const sender = new Sender(headerOf("0123456789abcdef"), IMAGE);
    advance(2000);
    expect(sender.end).toMatch(/refused/);
    expect(firmware.state).toBe("nothing");
  });

  it("is not taken after ten minutes", () => {
    const token = updates.arm();
    advance(10 * 60_000);
    const sender = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(sender.end).toMatch(/refused/);
  });

  it("is not taken with another token, however many come, and one a second is heard", () => {
    const token = updates.arm();
    for (let i = 0; i < 8; i++) {
      const sender = new Sender(headerOf("0123456789abcdef"), IMAGE);
      advance(500);
      expect(sender.answer).toBe("error: the token is not the one that the console printed, or no longer good\n");
      const soon = new Sender(headerOf("0123456789abcdef"), IMAGE);
      advance(600);
      expect(soon.answer).toBe("");
      expect(soon.end).toBeDefined();
    }
    expect(firmware.state).toBe("nothing");
    const sender = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(sender.answer).toMatch(/^ok: /);
  });

  it("is not taken from a sender whose first line takes longer than ten seconds", () => {
    const token = updates.arm();
    const slow = new Sender("p");
    for (let i = 0; i < 9; i++) {
      advance(1000);
      slow.socket.write(Uint8Array.of(0x78));
    }
    expect(slow.end).toBeUndefined();
    advance(2000);
    expect(slow.end).toBeDefined();
    const sender = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(sender.answer).toMatch(/^ok: /);
  });

  it("is not taken when it is for another board", () => {
    const token = updates.arm();
    const sender = new Sender(headerOf(token, IMAGE, "ethernet_kit"), IMAGE);
    advance(1000);
    expect(sender.answer).toBe("error: the image is for board ethernet_kit, and this is wt32_eth01\n");
    const second = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(second.answer).toMatch(/^ok: /);
  });

  it("is read to its end when it is refused, so that its sender hears why", () => {
    updates.arm();
    const sender = new Sender("porter-update 1\n", new Uint8Array(60_000));
    advance(3000);
    expect(sender.answer).toMatch(/^error: the first line is not/);
    expect(sender.end).toBe("closed");
  });

  it("can be sent once for each token", () => {
    const token = updates.arm();
    new Sender(headerOf(token), IMAGE.subarray(0, 100));
    advance(1000);
    const second = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(second.end).toMatch(/refused/);
  });

  it("is refused when its checksum is another one", () => {
    const sender = new Sender(
      headerOf(updates.arm()),
      IMAGE.map((byte, index) => (index === 4999 ? ~byte : byte)),
    );
    advance(2000);
    expect(sender.answer).toBe("error: the image is damaged: its SHA-256 is another one\n");
    expect(firmware).toMatchObject({ state: "aborted", restarts: 0 });
    expect(updates.outcome).toBe("the image was refused: the image is damaged: its SHA-256 is another one");
  });

  it("is refused when it is longer than announced", () => {
    const sender = new Sender(headerOf(updates.arm(), IMAGE.subarray(0, 3000)), IMAGE);
    advance(2000);
    expect(sender.answer).toBe("error: there is more than LENGTH bytes\n");
    expect(firmware).toMatchObject({ state: "aborted", restarts: 0 });
  });

  it("is given up when its sender falls silent, or goes", () => {
    new Sender(headerOf(updates.arm()), IMAGE.subarray(0, 2000));
    advance(1000);
    expect(updates.progress).toMatchObject({ received: 2000, byteLength: 5000 });
    advance(30_000);
    expect(updates).toMatchObject({ progress: undefined, outcome: "the image was refused: the sender fell silent" });
    const second = new Sender(headerOf(updates.arm()), IMAGE.subarray(0, 2000));
    advance(1000);
    second.socket.abort();
    advance(1000);
    expect(firmware.state).toBe("aborted");
    expect(updates.progress).toBeUndefined();
  });

  it.each([
    ["begin", "error: there is no room for 5000 bytes\n"],
    ["write", "error: flash is worn out\n"],
    ["complete", "error: it is no image for this chip\n"],
  ])("is refused with flash's own words: %s", (refusal, answer) => {
    firmware.refusal = refusal;
    const sender = new Sender(headerOf(updates.arm()), IMAGE);
    advance(2000);
    expect(sender.answer).toBe(answer);
    expect(updates.outcome).toBe(answer.replace("error: ", "the image was refused: ").trimEnd());
    expect(firmware.restarts).toBe(0);
  });

  it.each(["GET / HTTP/1.1\r\n", "porter-update short 1 2\n", `${"x".repeat(200)}\n`])(
    "is no other talk: %j",
    (header) => {
      updates.arm();
      const sender = new Sender(header);
      advance(1000);
      expect(sender.answer).toMatch(/^error: the first line is /);
    },
  );

  it("is not taken from a second sender meanwhile", () => {
    const token = updates.arm();
    new Sender("porter-");
    advance(500);
    const second = new Sender(headerOf(token), IMAGE);
    advance(1000);
    expect(second.end).toBeDefined();
    expect(firmware.state).toBe("nothing");
  });

  it("is not awaited on the WAN's address, nor without a LAN", () => {
    gateway.setAddress(WAN, parseAddress("203.0.113.2") as number, 24);
    updates.arm();
    expect(gateway.sockets.listenerCount).toBe(1);
    updates.cancel();
    expect(gateway.sockets.listenerCount).toBe(0);
    gateway.setAddress(LAN, 0, 0);
    expect(() => updates.arm()).toThrow("the lan has no address yet; set that first");
  });
});
