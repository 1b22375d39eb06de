import { describe, expect, it, vi } from "vitest";
import { TRIAL_MS } from "../../boards/common/imageTrial.js";
import { PERIOD, READERS } from "../../src/flow/layout.js";
import { LAN, WAN } from "../../src/gateway.js";
import { PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import { arpFrame, udpFrame } from "../support/frames.js";
import { FirmwareRig, MemoryStore, RESET_BY_CRASH, type RigOptions } from "./engine/firmwareRig.js";

const MAC = "02:00:00:00:00:01";
const HOST_MAC = "02:00:00:00:00:10";
const ROUTER_MAC = "02:00:00:00:00:20";

function started(options: RigOptions = {}): FirmwareRig {
  const rig = new FirmwareRig(options);
  rig.type("set lan address 192.168.1.1/24");
  rig.type("set wan address 203.0.113.2/24");
  rig.type("set wan gateway 203.0.113.1");
  return rig;
}

/** Frames wait at an interface, and the driver says so. */
function receive(rig: FirmwareRig, index: number, ...frames: Uint8Array[]): void {
  const driver = rig.driver(index);
  driver?.waiting.push(...frames);
  driver?.options.onReadable();
}

function arp(senderAddress: string, senderMac: string, targetAddress: string): Uint8Array {
  return arpFrame({ senderAddress, senderMac, sourceMac: senderMac, targetAddress });
}

function datagram(): Uint8Array {
  return udpFrame({
    sourceMac: HOST_MAC,
    destinationMac: MAC,
    source: "192.168.1.10",
    destination: "198.51.100.7",
    sourcePort: 40_000,
    destinationPort: 53,
  });
}

/** A packet of the home's finds its way out. */
function forward(rig: FirmwareRig): void {
  receive(rig, WAN, arp("203.0.113.1", ROUTER_MAC, "203.0.113.2"));
  receive(rig, LAN, datagram());
}

/** It is answered. */
function answer(rig: FirmwareRig): void {
  receive(rig, LAN, arp("192.168.1.10", HOST_MAC, "192.168.1.1"));
  const sent = rig.driver(WAN)?.sent.at(-1) as Uint8Array;
  const sourcePort = new DataView(sent.buffer, sent.byteOffset).getUint16(34);
  receive(
    rig,
    WAN,
    udpFrame({
      sourceMac: ROUTER_MAC,
      destinationMac: MAC,
      source: "198.51.100.7",
      destination: "203.0.113.2",
      sourcePort: 53,
      destinationPort: sourcePort,
    }),
  );
}

describe("the firmware", () => {
  it("greets at the serial line, and says why it was started", () => {
    const rig = new FirmwareRig();
    expect(rig.output).toBe("\r\nPorter 1.2.3 on rig, started by power\r\n> ");
    expect(rig.type("show version")).toContain(
      "rig, started by power\r\n100000 bytes of memory free, never less than 90000",
    );
  });

  it("forwards what its ports receive", () => {
    const rig = started();
    forward(rig);
    const sent = rig.driver(WAN)?.sent.at(-1);
    expect(sent?.[23]).toBe(PROTOCOL_UDP);
    expect(rig.firmware.gateway.nat.sessionCount).toBe(1);
  });

  it("takes 32 frames of a port in a turn", () => {
    const rig = started();
    const before = rig.firmware.gateway.lan.rxFrames;
    receive(rig, LAN, ...Array.from({ length: 40 }, datagram));
    expect(rig.firmware.gateway.lan.rxFrames - before).toBe(32);
    rig.advance(1000);
    expect(rig.firmware.gateway.lan.rxFrames - before).toBe(40);
  });

  it("sets its timer to what is due next, and to a second at most", () => {
    const rig = started();
    rig.advance(10_000);
    expect(rig.timer).toEqual({ delayMs: 1000, repeatMs: 1000 });
    rig.type("ping 192.168.1.77");
    rig.advance(300);
    expect(rig.timer.delayMs).toBeLessThanOrEqual(1000);
    expect(rig.timer.delayMs).toBeGreaterThanOrEqual(0);
  });

  it("counts an exception instead of restarting, shows it, and goes on", () => {
    const rig = started();
    const driver = rig.driver(LAN);
    if (driver !== undefined) driver.fault = "planted";
    expect(() => driver?.options.onReadable()).not.toThrow();
    expect(rig.firmware.pump.faults).toBe(1);
    expect(rig.type("show version")).toContain("1 faults, the last one: Error: planted");
    forward(rig);
    expect(rig.firmware.gateway.nat.sessionCount).toBe(1);
  });

  it("feeds the watchdog with each turn of the timer, but not with one that failed", () => {
    const rig = started();
    const before = rig.feeds;
    rig.advance(1000);
    expect(rig.feeds).toBe(before + 1);
    const driver = rig.driver(LAN);
    if (driver !== undefined) driver.fault = "planted";
    rig.advance(1000);
    expect(rig.feeds).toBe(before + 1);
  });

  it("attaches its sides as the console says, and announces itself when a link comes up", () => {
    const rig = started();
    rig.type("set interface lan port ethernet vlan 30");
    expect(rig.driver(LAN)?.options.vlan).toBe(30);
    expect(rig.drivers.filter(({ isOpen }) => isOpen)).toHaveLength(2);
    const driver = rig.driver(LAN);
    const before = driver?.sent.length ?? 0;
    driver?.options.onChanged();
    expect(driver?.sent.length).toBe(before + 1);
  });

  it("runs without a port that the driver does not open, and says so", () => {
    const rig = new FirmwareRig({
      openPort() {
        throw new Error("there is no cable");
      },
    });
    expect(rig.type("show version")).toContain("port ethernet is down: there is no cable");
    expect(rig.firmware.pump.faults).toBe(0);
  });

  it("lets drivers carry flows between the ports, wherever the sides are attached", () => {
    const calls: string[] = [];
    const rig = started({
      flows: {
        memory: (byteLength) => new ArrayBuffer(byteLength),
        access: { load: () => 0, store: vi.fn() },
        carry: (memory) => void calls.push(`carry ${memory.byteLength > 0}`),
        stop: () => void calls.push("stop"),
      },
    });
    rig.type("set interface lan vlan 30");
    expect(calls).toEqual(["stop", "carry true", "stop", "carry true"]);
    expect(rig.type("show drivers")).toContain("carried by the driver");
    expect(rig.type("show drivers")).not.toContain("wait until a driver");
  });

  it("says when a driver's task keeps changes of the flow table waiting", () => {
    let words = new Int32Array(0);
    const rig = started({
      flows: {
        memory(byteLength) {
          words = new Int32Array(byteLength / 4);
          return words.buffer;
        },
        access: {
          load: (at) => words[at] as number,
          store(at, value) {
            words[at] = value;
          },
        },
        carry: vi.fn(),
        stop: vi.fn(),
      },
    });
    words[READERS] = words[PERIOD] as number;
    rig.type("set lan mtu 1400");
    expect(rig.type("show drivers")).toContain("wait until a driver is done with what it reads: 1");
    words[READERS] = 0;
    expect(rig.type("show drivers")).not.toContain("wait until a driver");
  });

  it("runs without memory that drivers can read, and says so", () => {
    const rig = started({
      flows: {
        memory() {
          throw new Error("there is no memory");
        },
        access: { load: vi.fn(), store: vi.fn() },
        carry: vi.fn(),
        stop: vi.fn(),
      },
    });
    expect(rig.type("show version")).toContain(
      "drivers carry no flows, and 256 sessions have room: there is no memory",
    );
    forward(rig);
    expect(rig.firmware.gateway.nat.sessionCount).toBe(1);
  });

  it("works at the console when an Ethernet chip is dead, and says so", () => {
    const fail = () => {
      throw new Error("the PHY does not answer");
    };
    const rig = started({ macOf: fail, openPort: fail });
    expect(rig.firmware.ports.ports[0]?.mac).toBe(0x026f72746500);
    expect(rig.type("show version")).toContain("ethernet does not work: the PHY does not answer");
    expect(rig.type("show version")).toContain("port ethernet is down: the PHY does not answer");
    expect(rig.firmware.pump.faults).toBe(0);
  });

  it("works without a radio that does not start, and says so", () => {
    const rig = started({
      openRadio() {
        throw new Error("too little memory");
      },
    });
    expect(rig.type("show version")).toContain("the radio does not work: too little memory");
    forward(rig);
    expect(rig.firmware.gateway.nat.sessionCount).toBe(1);
  });

  it("carries out an action whatever else of the turn fails", () => {
    const rig = started();
    const { gateway, pump } = rig.firmware;
    gateway.poll = () => {
      throw new Error("planted");
    };
    let polled = 0;
    pump.add({
      poll() {
        throw new Error("planted, too");
      },
      nextDeadline: () => Number.POSITIVE_INFINITY,
    });
    pump.add({ poll: () => void polled++, nextDeadline: () => Number.POSITIVE_INFINITY });
    expect(rig.type("show version")).toContain("the last one: Error: planted");
    expect(polled).toBeGreaterThan(0);
    const { feeds } = rig;
    rig.advance(1000);
    expect(rig.feeds).toBe(feeds);
  });

  it.each(["opened", "read"])("starts without flash that cannot be %s, and says so", (what) => {
    const fail = () => {
      throw new Error("an entry is damaged");
    };
    const openStore = what === "opened" ? fail : () => ({ read: fail, write: fail });
    const rig = started({ openStore, resetReason: RESET_BY_CRASH });
    expect(rig.type("show version")).toMatch(/crash loops are not noticed: .*an entry is damaged/);
    expect(rig.type("save")).toMatch(/an entry is damaged/);
    forward(rig);
    expect(rig.firmware.gateway.nat.sessionCount).toBe(1);
  });

  it("restores what was saved", () => {
    const store = new MemoryStore();
    const rig = started({ store });
    rig.type("set hostname attic");
    expect(rig.type("save")).toContain("saved 4 lines");
    expect(new FirmwareRig({ store }).firmware.gateway.hostname).toBe("attic");
  });

  it("leaves the saved configuration alone after three crashes in a row, and does not erase it", () => {
    const store = new MemoryStore();
    started({ store }).type("save");
    for (let i = 0; i < 2; i++) new FirmwareRig({ store, resetReason: RESET_BY_CRASH });
    const rig = new FirmwareRig({ store, resetReason: RESET_BY_CRASH });
    expect(rig.output).toContain("The last 3 starts ended in a crash within five minutes");
    expect(rig.firmware.gateway.lan.address).toBe(0);
    expect(rig.type("show config saved")).toContain("set lan address 192.168.1.1/24");
    rig.type("restart");
    rig.advance(1000);
    expect(rig.restarts).toBe(1);
    expect(new FirmwareRig({ store, resetReason: 3 }).firmware.gateway.lan.address).not.toBe(0);
  });

  it("loses no settings by a restart or an update without a word", () => {
    const rig = started();
    expect(rig.type("update")).toContain(
      'settings that are not saved will be lost with the restart; "save" stores them',
    );
    expect(rig.type("restart")).toContain('error: settings that are not saved would be lost; "save" stores them');
    rig.advance(1000);
    expect(rig.restarts).toBe(0);
    rig.type("save");
    expect(rig.type("update")).not.toContain("not saved");
    expect(rig.type("restart")).toContain("restarting");
  });
});

describe("the serial line", () => {
  it("gets no more at once than it takes, and loses what is too much, visibly", () => {
    const rig = new FirmwareRig({ drains: false });
    expect(rig.output).toBe("");
    rig.line?.onWritable(5);
    expect(rig.output).toHaveLength(5);
    for (let i = 0; i < 20; i++) rig.firmware.pump.run(() => {});
    expect(rig.output).toHaveLength(5);
    rig.drain();
    for (let i = 0; i < 12; i++) rig.enter("help");
    rig.drain();
    expect(rig.output).toMatch(/\[\.\.\. \d+ characters left out: the line is slower than the output\]/);
  });
});

describe("a new image", () => {
  const trial = () => ({ isOnTrial: true, confirm: vi.fn(), reject: vi.fn() });

  it("does not stay for packets that nobody answers", () => {
    const image = trial();
    const rig = started({ image });
    forward(rig);
    receive(rig, LAN, datagram());
    rig.advance(TRIAL_MS);
    expect(image.confirm).not.toHaveBeenCalled();
    expect(image.reject).toHaveBeenCalledTimes(1);
  });

  it("stays when it has forwarded a packet and its answer", () => {
    const image = trial();
    const rig = started({ image });
    expect(rig.type("show version")).toContain("new firmware on trial");
    rig.advance(30_000);
    expect(image.confirm).not.toHaveBeenCalled();
    forward(rig);
    answer(rig);
    rig.advance(1000);
    expect(image.confirm).toHaveBeenCalledTimes(1);
    rig.advance(TRIAL_MS);
    expect(image.reject).not.toHaveBeenCalled();
  });

  it("makes way for the one before when it has not forwarded within a minute", () => {
    const image = trial();
    const rig = started({ image });
    rig.advance(TRIAL_MS);
    expect(image.reject).toHaveBeenCalledTimes(1);
    rig.advance(TRIAL_MS);
    expect(image.reject).toHaveBeenCalledTimes(1);
  });

  it("is no matter of an image that is not new", () => {
    const image = { ...trial(), isOnTrial: false };
    const rig = started({ image });
    rig.advance(TRIAL_MS * 2);
    expect(image.reject).not.toHaveBeenCalled();
  });

  it("is taken from the LAN when the console says so", () => {
    const rig = started();
    const answer = rig.type("update");
    expect(answer).toMatch(/porter-update [0-9a-f]{16} .* \| nc 192\.168\.1\.1 3232\r\n/);
    expect(rig.type("show update")).toContain("an image is awaited on port 3232");
    expect(rig.type("update cancel")).toContain("no image is taken");
  });
});
