using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>
/// Continues prompts, several at once where the engine has room for them: each step runs the newest token of every answer
/// and fills up with chunks of prompts. A prompt is admitted once the pool has pages for all of its answer, so that none runs dry.
/// Full pages with which all prompts begin are computed once and shared.
/// </summary>
public sealed class Generator
{
    private readonly Engine _engine;
    private readonly IReadOnlyList<GenerationRequest> _requests;
    private readonly GenerationResult?[] _results;
    private readonly List<Active> _active = [];
    private readonly StepItem[] _items;

    /// <summary>Begins each answer; null where the answer gets a sequence of its caller.</summary>
    private readonly Sequence? _shared;
    private readonly Sequence? _kept;
    private int _next;
    private int _pages;

    private Generator(Engine engine, IReadOnlyList<GenerationRequest> requests, Sequence? kept)
    {
        (_engine, _requests, _kept) = (engine, requests, kept);
        _results = new GenerationResult?[requests.Count];
        _items = new StepItem[Math.Min(engine.MaxSequences, engine.MaxTokens)];
        _shared = kept is null ? engine.NewSequence() : null;
    }

    /// <summary>Continues one prompt.</summary>
    /// <exception cref="UserErrorException">The prompt is empty, too long, or has ids outside the vocabulary, or an option is wrong.</exception>
    public static GenerationResult Run(Engine engine, GenerationRequest request, CancellationToken cancellation = default) =>
        RunAll(engine, [request], cancellation)[0];

    /// <summary>Continues prompts; results in their order. After a cancellation each has what it got so far.</summary>
    /// <exception cref="UserErrorException">A prompt is empty, too long, or has ids outside the vocabulary.</exception>
    public static IReadOnlyList<GenerationResult> RunAll(
        Engine engine, IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(requests);
        foreach (GenerationRequest request in requests)
        {
            Check(engine, request);
        }

        return new Generator(engine, requests, null).RunAndRelease(cancellation);
    }

    /// <summary>Checks that a prompt can be read and that all of the answer asked for fits behind it.</summary>
    /// <exception cref="UserErrorException">It can never be answered.</exception>
    public static void CheckFits(Engine engine, GenerationRequest request)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(request);
        Check(engine, request);
        if (request.MaxTokens is { } most && (long)request.Prompt.Length + most > engine.SequenceLimit)
        {
            throw new UserErrorException(
                $"the prompt has {request.Prompt.Length} tokens and {most} are asked for (-n), but the context holds "
                + $"{engine.SequenceLimit}; ask for fewer or {Larger(engine)}");
        }
    }

    /// <summary>Continues one prompt in a sequence that holds its beginning, and goes on holding it and the answer.</summary>
    internal static GenerationResult Run(Engine engine, GenerationRequest request, Sequence kept, CancellationToken cancellation) =>
        new Generator(engine, [request], kept).RunAndRelease(cancellation)[0];

    /// <summary>Checks a prompt as <see cref="Run(Engine, GenerationRequest, CancellationToken)"/> does.</summary>
    internal static void CheckPrompt(Engine engine, ReadOnlySpan<int> prompt)
    {
        if (prompt.IsEmpty)
        {
            throw new UserErrorException("the prompt has no tokens; give at least one");
        }

        if (prompt.Length > engine.SequenceLimit)
        {
            throw new UserErrorException(
                $"the prompt has {prompt.Length} tokens, but the context holds {engine.SequenceLimit}; shorten it{Cure(engine)}");
        }

        engine.CheckIds(prompt);

        static string Cure(Engine engine) => engine.SequenceLimit < engine.Config.ContextLimit
            ? $" or {Larger(engine)}"
            : ", for this is the model's limit";
    }

    internal static void Check(Engine engine, GenerationRequest request)
    {
        CheckPrompt(engine, request.Prompt.Span);
        if (request.MaxTokens < 0)
        {
            throw new UserErrorException($"an answer of {request.MaxTokens} tokens is not possible; take 0 or more (-n)");
        }

        request.Sampling?.Check(engine.Config.VocabSize);
    }

    private static string Larger(Engine engine) => engine.SequenceLimit < engine.Config.ContextLimit
        ? $"take a larger context (-c, at most {engine.Config.ContextLimit} with this model)"
        : "shorten the prompt, for this is the model's limit";

    private GenerationResult[] RunAndRelease(CancellationToken cancellation)
    {
        try
        {
            return Run(cancellation);
        }
        finally
        {
            _active.ForEach(Release);
            _shared?.Dispose();
        }
    }

    private GenerationResult[] Run(CancellationToken cancellation)
    {
        ReadShared(cancellation);
        Admit();
        while (_active.Count > 0 && !cancellation.IsCancellationRequested)
        {
            Step();
            Admit();
        }

        _active.ForEach(a => End(a.Index, a.Answer.Result(FinishReason.Cancelled)));
        for (; _next < _requests.Count; _next++)
        {
            End(_next, Empty(_requests[_next], FinishReason.Cancelled));
        }

        return _results!;
    }

    /// <summary>Runs the full pages with which all prompts begin. Each prompt keeps a token of its own, for its logits.</summary>
    private void ReadShared(CancellationToken cancellation)
    {
        ReadOnlyMemory<int>[] prompts = [.. _requests.Where(r => Answer.EndOf(_engine, r, 0) is null).Select(r => r.Prompt)];
        if (_shared is null || prompts.Length < 2)
        {
            return;
        }

        int common = prompts.Min(p => Math.Min(p.Length - 1, p.Span.CommonPrefixLength(prompts[0].Span)));
        common -= common % _engine.PageSize;
        while (_shared.Length < common && !cancellation.IsCancellationRequested)
        {
            ReadOnlyMemory<int> chunk = prompts[0][_shared.Length..common];
            _engine.Step([new StepItem(_shared, chunk[..Math.Min(_engine.MaxTokens, chunk.Length)], RowsWanted.None)]);
        }

        _pages = _engine.PagesFor(_shared.Length);
    }

    private void Step()
    {
        // In order of admission: whoever has a token to continue comes before prompts that are still read, and those wait their turn.
        int budget = _engine.MaxTokens;
        int count = 0;
        for (; count < _active.Count && budget > 0; count++)
        {
            _items[count] = _active[count].Answer.Take(budget);
            budget -= _items[count].Tokens.Length;
        }

        ReadOnlySpan<float> logits = _engine.Step(_items.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            if (_items[i].Rows == RowsWanted.None)
            {
                continue;
            }

            if (_active[i].Answer.Accept(logits[.._engine.Config.VocabSize]) is { } reason)
            {
                End(_active[i].Index, _active[i].Answer.Result(reason));
            }

            logits = logits[_engine.Config.VocabSize..];
        }

        _active.RemoveAll(Retire);
    }

    private void End(int index, GenerationResult result)
    {
        _results[index] = result;
        _requests[index].OnEnd?.Invoke(result);
    }

    private bool Retire(Active active)
    {
        if (_results[active.Index] is null)
        {
            return false;
        }

        Release(active);
        _pages -= PagesOf(_requests[active.Index]);
        return true;
    }

    private void Release(Active active)
    {
        if (active.Sequence != _kept)
        {
            active.Sequence.Dispose();
        }
    }

    private void Admit()
    {
        for (; _next < _requests.Count && _active.Count < _items.Length; _next++)
        {
            GenerationRequest request = _requests[_next];
            if (Answer.EndOf(_engine, request, 0) is { } reason)
            {
                End(_next, Empty(request, reason));
                continue;
            }

            if (_active.Count > 0 && _pages + PagesOf(request) > _engine.Pages)
            {
                return;
            }

            Sequence sequence = _kept ?? _shared!.Fork();
            _pages += PagesOf(request);
            _active.Add(new Active(new Answer(_engine, request, sequence), sequence, _next));
        }
    }

    /// <summary>Pages that a request can come to hold beside the shared ones; the last token of an answer is not run.</summary>
    private int PagesOf(GenerationRequest request)
    {
        long entries = Math.Min((long)request.Prompt.Length + (request.MaxTokens ?? int.MaxValue) - 1, _engine.SequenceLimit);
        return _engine.PagesFor((int)entries) - _engine.PagesFor(_shared?.Length ?? 0);
    }

    private static GenerationResult Empty(GenerationRequest request, FinishReason reason) =>
        new([], [], [], reason, request.Prompt.Length, 0, 0);

    private readonly record struct Active(Answer Answer, Sequence Sequence, int Index);
}
