/*
 * A switch with VLANs, for kernels that have none: node .config/run.mjs test/integration/vlanSwitch.ts TRUNK VLAN=ATTACH...
 * What comes by an attachment with a VLAN goes to the trunk with its tag; what comes by the trunk with a VLAN's tag goes to
 * that VLAN's attachment without. Tags are put together by the tests' own code. Prints "ready".
 */
import { openAttachment, parseAttachment } from "../../host-sim/ports/openAttachment.js";
import { ETHERNET_AT, type Frame } from "../../src/core/frame.js";
import { loadFrame } from "../support/frames.js";
import { taggedFrame, tagOf, untaggedFrame } from "../support/vlanFrames.js";

const onNotice = (sentence: string): void => console.log(`notice: ${sentence}`);
const bytesOf = (frame: Frame, length: number): Uint8Array => frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length);

try {
  const [trunkText = "", ...accessTexts] = process.argv.slice(2);
  const trunk = await openAttachment(parseAttachment(trunkText));
  const byTag = new Map<string, Awaited<ReturnType<typeof openAttachment>>>();
  for (const text of accessTexts) {
    const [vlan = "", address = ""] = text.split("=");
    const access = await openAttachment(parseAttachment(address));
    byTag.set(`8100${Number(vlan).toString(16).padStart(4, "0")}`, access);
    access.start({
      onFrame: (frame, length) => {
        const tagged = taggedFrame(bytesOf(frame, length), Number(vlan));
        trunk.send(loadFrame(tagged), tagged.length);
      },
      onNotice,
    });
  }
  trunk.start({
    onFrame: (frame, length) => {
      const access = byTag.get(tagOf(bytesOf(frame, length)));
      if (access === undefined) return;
      const untagged = untaggedFrame(bytesOf(frame, length));
      access.send(loadFrame(untagged), untagged.length);
    },
    onNotice,
  });
  const close = (): void => {
    for (const attachment of [trunk, ...byTag.values()]) attachment.close();
  };
  process.once("SIGTERM", close);
  process.once("SIGINT", close);
  console.log("ready");
} catch (error) {
  console.log(`error: ${(error as Error).message}`);
  process.exit(1);
}
