import { formatCount } from '../ui/format.ts';
import { Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';

/** Messages that this device rejected, counted by reason. They change nothing of what it has earned. */
export function Refusals() {
  const refused = useView((view) => view.refused);
  const total = refused.reduce((sum, entry) => sum + entry.count, 0);
  return (
    <Section
      title="Turned away"
      about="Messages and files from others that were late, broken or falsely signed. They change nothing here."
    >
      <div data-testid="refused" data-total={total}>
        {total === 0 ? (
          <p className="text-note text-quiet">None in this visit.</p>
        ) : (
          <dl className="divide-y divide-line">
            {refused.map((entry) => (
              <div key={entry.reason} className="flex justify-between gap-4 py-1.5 text-note">
                <dt>{entry.reason}</dt>
                <dd className="figure">{formatCount(entry.count)}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </Section>
  );
}
