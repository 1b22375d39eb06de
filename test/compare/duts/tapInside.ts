import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import type { Attachment } from "../../../host-sim/ports/attachment.js";
import { openTap } from "../../../host-sim/ports/tap.js";
import type { Namespace } from "../../integration/support/namespaces.js";

/** <linux/sched.h> */
const CLONE_NEWNET = 0x40000000;

/**
 * A TAP device in a namespace, with its wire in this process. This thread is in the namespace only while the device is
 * made: nothing else of the process runs meanwhile.
 */
export function openTapInside(namespace: Namespace, name: string): Attachment {
  const libc = koffi.load(null);
  const setns = libc.func("int setns(int, int)");
  const home = openSync("/proc/thread-self/ns/net", "r");
  const there = openSync(`/run/netns/${namespace.name}`, "r");
  try {
    if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`This thread cannot enter ${namespace.name}.`);
    return openTap(name);
  } finally {
    const isBack = setns(home, CLONE_NEWNET) === 0;
    closeSync(home);
    closeSync(there);
    // Whatever came now would be done to the wrong network.
    if (!isBack) process.abort();
  }
}
