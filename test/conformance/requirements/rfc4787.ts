import type { RequirementList } from "../requirement.js";

export const RFC4787: RequirementList = {
  title: "RFC4787: NAT behaviour for UDP",
  rows: [
    {
      id: "RFC4787 REQ-1",
      strength: "MUST",
      text: "An inside address and port has the same external address and port for every destination",
    },
    {
      id: "RFC4787 REQ-2",
      strength: "SHOULD",
      text: "Of several external addresses, all of an inside address's traffic takes the same one",
      notApplicable: "Porter has one external address",
    },
    {
      id: "RFC4787 REQ-3",
      strength: "MUST",
      text: "Two inside endpoints never share an external port, not even for different destinations",
    },
    {
      id: "RFC4787 REQ-3a",
      strength: "SHOULD",
      text: "A source port of 0-1023 maps into 0-1023, one of 1024-65535 into 1024-65535",
    },
    { id: "RFC4787 REQ-4", strength: "SHOULD", text: "An even port maps to an even one, an odd port to an odd one" },
    { id: "RFC4787 REQ-5", strength: "MUST", text: "A UDP mapping lives at least two minutes after its last refresh" },
    {
      id: "RFC4787 REQ-5a",
      strength: "MAY",
      text: "For certain destination ports of 0-1023 the mapping may live shorter",
      missing: "all ports have one timer",
    },
    { id: "RFC4787 REQ-5b", strength: "MAY", text: "The UDP timer may be configurable" },
    { id: "RFC4787 REQ-5c", strength: "SHOULD", text: "The UDP timer is five minutes or more by default" },
    { id: "RFC4787 REQ-6", strength: "MUST", text: "Outbound packets refresh the mapping" },
    { id: "RFC4787 REQ-6a", strength: "MAY", text: "Inbound packets may refresh the mapping" },
    {
      id: "RFC4787 REQ-7",
      strength: "MUST",
      text: "With a WAN address from outside, the LAN's addresses keep clear of the WAN's network, or traffic passes in spite of the overlap",
      notApplicable:
        "nothing configures the WAN dynamically yet (there is no DHCP client), and an overlap set by hand is refused",
    },
    {
      id: "RFC4787 REQ-8",
      strength: "SHOULD",
      text: "Filtering is endpoint-independent for transparency, or address-dependent to be stricter",
    },
    { id: "RFC4787 REQ-8a", strength: "MAY", text: "The administrator may choose the filtering" },
    { id: "RFC4787 REQ-9", strength: "MUST", text: "Inside hosts reach each other by their external endpoints" },
    {
      id: "RFC4787 REQ-9a",
      strength: "MUST",
      text: "A hairpinned packet comes from the sender's external address and port",
    },
    { id: "RFC4787 REQ-10", strength: "SHOULD", text: "Payloads pass as they are: application gateways are off" },
    {
      id: "RFC4787 REQ-10a",
      strength: "SHOULD",
      text: "Each application gateway can be switched for itself",
      notApplicable: "there are none",
    },
    {
      id: "RFC4787 REQ-11",
      strength: "MUST",
      text: "Mapping and filtering behave the same at any time, under any load and after any collision",
    },
    { id: "RFC4787 REQ-12", strength: "MUST", text: "No ICMP message ends a mapping" },
    { id: "RFC4787 REQ-12a", strength: "SHOULD", text: "ICMP messages are not filtered by their source address" },
    { id: "RFC4787 REQ-12b", strength: "SHOULD", text: "Destination unreachable messages are translated" },
    {
      id: "RFC4787 REQ-13",
      strength: "MUST",
      text: "An outbound packet that is too big and must not be fragmented is answered with fragmentation needed",
    },
    {
      id: "RFC4787 REQ-13a",
      strength: "MUST",
      text: "An outbound packet that is too big and may be fragmented is fragmented",
    },
    { id: "RFC4787 REQ-13a (order)", strength: "SHOULD", text: "The fragments leave in order" },
    { id: "RFC4787 REQ-14", strength: "MUST", text: "Fragments are taken in any order" },
    {
      id: "RFC4787 REQ-14a",
      strength: "MUST",
      text: "A flood of fragments harms neither whole packets nor fragments that come in order",
    },
  ],
};
