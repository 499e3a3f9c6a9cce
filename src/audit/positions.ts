/**
 * The events that a consumer has not read: of each chain those behind its position. A chain's events become visible in
 * their order, so that none can appear in front of the position later, whatever its time is.
 */

/** A writer says every five seconds that it is alive, and before it adds anything after a pause. */
export const QUIET = `interval '1 minute'`;

/** Chains that may have unread events, with the position; `consumer` stands for the name of the consumer. */
export function unreadChains(consumer: string): string {
  return `select c.chain, coalesce(p.sequence, -1) as sequence
    from howdah.audit_chain c left join howdah.audit_position p on p.consumer = ${consumer} and p.chain = c.chain
   where p.chain is null or c.ended_at is null or greatest(c.seen_at, c.ended_at) > p.looked_at - ${QUIET}`;
}
