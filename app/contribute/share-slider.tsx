import { useId } from 'react';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** The share of the device that is lent, in steps of ten percent. A change takes effect at once. */
export function ShareSlider() {
  const volunteer = useVolunteer();
  const share = useView((view) => view.share);
  const slider = useId();
  const percent = Math.round(share * 100);
  return (
    <div className="mt-3">
      <div className="flex items-baseline justify-between gap-4 text-note">
        <label htmlFor={slider} className="text-quiet">
          Compute for at most
        </label>
        <span className="figure font-medium" data-testid="share-value">
          {percent} % of the time
        </span>
      </div>
      <input
        id={slider}
        type="range"
        min={10}
        max={100}
        step={10}
        value={percent}
        data-testid="share"
        aria-valuetext={`${percent} percent of the time`}
        onChange={(event) => void volunteer.setShare(Number(event.target.value) / 100).catch(() => undefined)}
        className="mt-1 h-9 w-full accent-accent"
      />
      <p className="text-note text-quiet">
        {percent === 100
          ? 'Everything that other programs leave free.'
          : 'It rests between pieces of work of a few milliseconds, so that fans and other programs have room.'}
      </p>
    </div>
  );
}
