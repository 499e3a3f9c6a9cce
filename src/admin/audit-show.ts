import { z } from 'zod';
import { readStory } from '../audit/call-story.ts';
import { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import { defineAdmin } from './admin-operation.ts';
import { requireReader, type AuditSource } from './audit-source.ts';

export function auditShow(source: AuditSource) {
  return defineAdmin({
    name: 'audit_show',
    area: 'audit',
    title: 'All that is on record of a call',
    description: 'Every event of one call, whole, with what it asked or answered and its places in the hash chains.',
    reaches: 'nothing',
    input: { id: z.string().min(1).max(200).describe('Id of a call, as its answer carries it, or of an event.') },
    output: {
      events: z.array(AuditEvent),
      dialogue: z.array(AuditEvent).describe('Of the calls that asked what it answers, or answered what it asked.'),
      places: z.array(
        z.object({
          event: z.string(),
          chain: z.string(),
          sequence: z.int(),
          follows: z
            .boolean()
            .nullable()
            .describe('The event before it has the hash that it names; null for the first.'),
          followed: z.boolean().nullable().describe('The event behind it names its hash; null for the newest.'),
        }),
      ),
    },
    run: async ({ id }) => {
      const { events, dialogue, places } = await readStory(requireReader(source), id);
      if (events.length === 0) {
        throw new PlatformError('NOT_FOUND', 'No call and no event has this id.', {
          hint: 'It may be in files of a machine, or older than `audit.retention`. `howdah audit search` prints the ids.',
        });
      }
      return {
        events,
        dialogue,
        places: places.map(({ isFollowed, ...place }) => ({ ...place, followed: isFollowed })),
      };
    },
  });
}
