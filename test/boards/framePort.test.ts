import { canBuild, SANITIZER_FLAGS } from "../flow/native/build.js";
import { buildProgram, describeCases, NO_FLOW_CACHE } from "./native/build.js";

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";

const CORE = ["framePort.c", "frameRing.c"];

describeCases(canBuild(...SANITIZER_FLAGS), REASON, "a frame port", () =>
  buildProgram("port", CORE, { flags: SANITIZER_FLAGS, flowCache: NO_FLOW_CACHE }),
);
