import type { Namespace } from "../../integration/support/namespaces.js";

/** Frames of 1514 bytes with checksums, as a wire carries them, where Linux would hand over 64 KiB uncut. */
export async function withRealFrames(namespace: Namespace, device: string): Promise<void> {
  await namespace.mustRun(["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"]);
}
