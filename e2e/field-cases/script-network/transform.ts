export default async (row: { id: number; note: string }) => {
  await fetch('http://127.0.0.1:1');
  return row;
};
