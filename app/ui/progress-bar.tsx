interface ProgressBarProps {
  /** The share that is done. Beyond 1 it counts as 1. */
  readonly share: number;
  readonly label: string;
}

export function ProgressBar({ share, label }: ProgressBarProps) {
  const percent = Math.round(100 * Math.min(1, share));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      className="mt-2 h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
    </div>
  );
}
