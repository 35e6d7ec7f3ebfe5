// Seconds that only go forward.
export const monotonic = () => performance.now() / 1000;
