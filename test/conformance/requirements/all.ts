import type { RequirementList } from "../requirement.js";
import { INGRESS } from "./ingress.js";
import { PROBES } from "./probes.js";
import { RFC1122 } from "./rfc1122.js";
import { RFC1191 } from "./rfc1191.js";
import { RFC1812 } from "./rfc1812.js";
import { RFC4787 } from "./rfc4787.js";
import { RFC5227 } from "./rfc5227.js";
import { RFC5382 } from "./rfc5382.js";
import { RFC5508 } from "./rfc5508.js";
import { RFC6056 } from "./rfc6056.js";
import { RFC6864 } from "./rfc6864.js";
import { RFC7857 } from "./rfc7857.js";

/** In the order of their tables. */
export const REQUIREMENT_LISTS: readonly RequirementList[] = [
  RFC4787,
  RFC5382,
  RFC5508,
  RFC7857,
  RFC6056,
  RFC1812,
  RFC1122,
  RFC6864,
  RFC1191,
  RFC5227,
  INGRESS,
  PROBES,
];
