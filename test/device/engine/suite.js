// The suite on the engine. Test frames are made with the standard TextEncoder, which the SDK has as a module.
import TextEncoder from "text/encoder";
import { results } from "./results.js";

export default function suite() {
  globalThis.TextEncoder = TextEncoder;
  print(JSON.stringify(results()));
}
