import type { Bench } from "./bench.js";
import type { DeviceUnderTest } from "./deviceUnderTest.js";
import { LinuxRouter } from "./linuxRouter.js";
import { PorterSimulator } from "./porterSimulator.js";

/**
 * The device that the tests are about: Porter's simulator; with PORTER_DUT=linux the Linux kernel's own NAT instead,
 * which shows whether a failure is Porter's or the bench's.
 */
const Chosen = process.env.PORTER_DUT === "linux" ? LinuxRouter : PorterSimulator;

/** With a `pcapDirectory` Porter records its links there; the kernel needs tcpdump for that, and leaves it alone. */
export function chosenDevice(bench: Bench, pcapDirectory?: string): DeviceUnderTest {
  return new Chosen(bench, pcapDirectory);
}

/** Why the chosen device cannot run here, or undefined. */
export function missingForDevice(): string | undefined {
  return Chosen.missing();
}
