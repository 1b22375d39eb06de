/** What a change does to those who are there. */
export interface FirewallEffects {
  /** Conversations that a rule denies now must end. */
  rulesChanged(): void;
  /** So must those of stations that are refused now. */
  stationsChanged(): void;
}
