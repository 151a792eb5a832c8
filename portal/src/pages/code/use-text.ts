/** The text of a file as the API has it, and what the user made of it. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, persist } from "../../api/client";
import type { JobFile, Problem } from "../../api/schema";
import { draftOf, dropDraft, keepDraft, type Draft } from "./drafts";
import { readText, type Content } from "./files";

export interface OpenText {
  /** That of the draft, or of the API. Undefined while it is loaded. */
  text: string | undefined;
  draft: Draft | undefined;
  /** What the API has. Null: no such file. */
  theirs: Content | null | undefined;
  /** Somebody else changed or deleted the file after the user began to change it. */
  isConflict: boolean;
  problem: Problem | undefined;
  change: (text: string) => void;
  /** The API has this content now: the user saved it. */
  saved: (content: Content) => void;
  load: () => void;
}

export function useText(environmentId: string, path: string, file: JobFile | undefined): OpenText {
  const [theirs, setTheirs] = useState<Content | null>();
  const [problem, setProblem] = useState<Problem>();
  const isGone = useRef(false);
  const draft = draftOf(environmentId, path);
  const sha256 = file?.sha256 ?? null;

  const load = useCallback(async () => {
    try {
      const content = await persist(
        () => readText(environmentId, path),
        () => isGone.current,
      );
      setProblem(undefined);
      setTheirs(content);
    } catch (error) {
      if (isGone.current) return;
      if (!(error instanceof ApiError)) throw error;
      if (error.problem.status === 404) setTheirs(null);
      else setProblem(error.problem);
    }
  }, [environmentId, path]);

  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  useEffect(() => {
    if (theirs === undefined || (sha256 !== null && theirs?.sha256 !== sha256)) void load();
  }, [load, sha256]);

  const change = (text: string) => {
    const from = draft ?? { base: theirs?.sha256 ?? null, ending: theirs?.ending ?? "\n" };
    if (theirs && from.base === theirs.sha256 && text === theirs.text) dropDraft(environmentId, path);
    else keepDraft(environmentId, path, { ...from, text });
  };
  return {
    text: draft?.text ?? theirs?.text,
    draft,
    theirs,
    isConflict: draft !== undefined && theirs !== undefined && draft.base !== (theirs?.sha256 ?? null),
    problem,
    change,
    saved: setTheirs,
    load: () => void load(),
  };
}
