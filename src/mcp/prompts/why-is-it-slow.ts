import { databaseArgument, defineRunbook, numbered, passing, serverArgument } from './runbook.ts';

export const whyIsItSlow = defineRunbook({
  name: 'why_is_it_slow',
  title: 'Why is it slow?',
  description: 'Finds what makes a server slow: now, or in general.',
  arguments: [serverArgument, databaseArgument],
  tools: ['server_overview', 'activity', 'blocking_tree', 'top_statements', 'list_tables', 'describe_table'],
  write(given) {
    const place = passing(given);
    return [
      `Find out why PostgreSQL is slow. Call each tool${place || ' on the default server'}, stop as soon as the evidence suffices, and change nothing.`,
      numbered([
        '`server_overview`: connections, the oldest transaction, cache hits and temporary files of each database, replication. A critical finding here comes first.',
        '`activity`: who runs, who waits, who blocks whom. Is somebody blocked? Then `blocking_tree`: name the session at the head of the chain and how long its transaction has been open. A session idle in transaction is a cause, not a bystander.',
        '`top_statements`: what takes the most time since statistics were reset. Compare total time, time per call and calls: one slow statement and a fast one called too often need different remedies.',
        'For the tables that those statements read: `list_tables` for size and dead rows, `describe_table` for keys, indexes and the last vacuum and analyze.',
        'Say what could not be examined (`not_examined`) and what would make it visible.',
      ]),
      'Answer with: the cause, most likely first; the numbers that show it, each with the tool it came from; the safest next step for a person to take; what would prove you wrong.',
    ].join('\n\n');
  },
});
