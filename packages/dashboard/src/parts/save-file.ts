/** Hands a file to the browser to keep. */
export function saveFile(file: { name: string; type: string; content: BlobPart }): void {
  const url = URL.createObjectURL(new Blob([file.content], { type: file.type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  URL.revokeObjectURL(url);
}
