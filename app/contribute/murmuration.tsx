import { BIRD } from '../ui/mark.tsx';

interface Bird {
  readonly x: number;
  readonly y: number;
  readonly turn: number;
  readonly scale: number;
  readonly opacity: number;
}

const COUNT = 320;

/**
 * A flock on a bent path: dense in the middle, thin at the ends, each bird turned along the path. A linear
 * congruential generator (constants of Numerical Recipes) makes the same flock each time, so that the picture
 * does not change from visit to visit.
 */
function flock(): readonly Bird[] {
  let state = 20260;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const birds: Bird[] = [];
  for (let index = 0; index < COUNT; index += 1) {
    const along = (random() + random()) / 2;
    const angle = along * Math.PI * 2;
    const body = Math.sin(along * Math.PI) ** 1.5;
    const spread = (random() + random() + random() - 1.5) * (14 + 84 * body);
    const drift = (random() - 0.5) * 34;
    birds.push({
      x: 30 + along * 340 + drift,
      y: 150 - Math.sin(angle) * 62 + spread,
      turn: -Math.cos(angle) * 32 + (random() - 0.5) * 26,
      scale: 0.16 + 0.36 * random() ** 3 + 0.14 * body,
      opacity: 0.25 + 0.65 * random(),
    });
  }
  return birds;
}

const birds = flock();

/** The idle screen's picture: a murmuration of starlings. Decorative. */
export function Murmuration() {
  return (
    <svg viewBox="10 30 380 240" className="h-full w-full text-accent" fill="currentColor" aria-hidden="true">
      <g className="murmuration">
        {birds.map((bird) => (
          <path
            key={`${bird.x} ${bird.y}`}
            d={BIRD}
            opacity={bird.opacity}
            transform={`translate(${bird.x.toFixed(1)} ${bird.y.toFixed(1)}) rotate(${bird.turn.toFixed(0)}) scale(${bird.scale.toFixed(2)})`}
          />
        ))}
      </g>
    </svg>
  );
}
