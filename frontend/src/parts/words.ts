// The few words the scripts say themselves.

export const english = (): boolean => document.body.dataset["locale"] === "en";
export const t = (zh: string, en: string): string => (english() ? en : zh);
