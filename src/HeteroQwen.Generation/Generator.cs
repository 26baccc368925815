using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>
/// Continues prompts, several at once where the engine has room for them: each step runs the newest token of every answer
/// and fills up with chunks of prompts. A prompt is admitted once the pool has pages for all of its answer, so that none runs dry.
/// </summary>
public sealed class Generator
{
    private readonly Engine _engine;
    private readonly IReadOnlyList<GenerationRequest> _requests;
    private readonly GenerationResult?[] _results;
    private readonly List<(Answer Answer, int Index)> _active = [];
    private readonly StepItem[] _items;
    private int _next;
    private int _pages;

    private Generator(Engine engine, IReadOnlyList<GenerationRequest> requests)
    {
        (_engine, _requests) = (engine, requests);
        _results = new GenerationResult?[requests.Count];
        _items = new StepItem[Math.Min(engine.MaxSequences, engine.MaxTokens)];
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

        Generator generator = new(engine, requests);
        try
        {
            return generator.Run(cancellation);
        }
        finally
        {
            generator._active.ForEach(a => a.Answer.Dispose());
        }
    }

    /// <summary>Checks a prompt as <see cref="Run(Engine, GenerationRequest, CancellationToken)"/> does.</summary>
    internal static void CheckPrompt(Engine engine, ReadOnlySpan<int> prompt)
    {
        if (prompt.IsEmpty)
        {
            throw new UserErrorException("the prompt has no tokens; give at least one");
        }

        if (prompt.Length > engine.SequenceLimit)
        {
            string cure = engine.SequenceLimit < engine.Config.ContextLimit
                ? $"shorten it or take a larger context (-c, at most {engine.Config.ContextLimit} with this model)"
                : "shorten it, for this is the model's limit";
            throw new UserErrorException($"the prompt has {prompt.Length} tokens, but the context holds {engine.SequenceLimit}; {cure}");
        }

        engine.CheckIds(prompt);
    }

    private static void Check(Engine engine, GenerationRequest request)
    {
        CheckPrompt(engine, request.Prompt.Span);
        if (request.MaxTokens < 0)
        {
            throw new UserErrorException($"an answer of {request.MaxTokens} tokens is not possible; take 0 or more (-n)");
        }

        request.Sampling?.Check(engine.Config.VocabSize);
    }

    private GenerationResult[] Run(CancellationToken cancellation)
    {
        Admit();
        while (_active.Count > 0 && !cancellation.IsCancellationRequested)
        {
            Step();
            Admit();
        }

        _active.ForEach(a => _results[a.Index] = a.Answer.Result(FinishReason.Cancelled));
        for (; _next < _requests.Count; _next++)
        {
            _results[_next] = Empty(_requests[_next], FinishReason.Cancelled);
        }

        return _results!;
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
                _results[_active[i].Index] = _active[i].Answer.Result(reason);
            }

            logits = logits[_engine.Config.VocabSize..];
        }

        _active.RemoveAll(Retire);
    }

    private bool Retire((Answer Answer, int Index) active)
    {
        if (_results[active.Index] is null)
        {
            return false;
        }

        active.Answer.Dispose();
        _pages -= PagesOf(_requests[active.Index]);
        return true;
    }

    private void Admit()
    {
        for (; _next < _requests.Count && _active.Count < _items.Length; _next++)
        {
            GenerationRequest request = _requests[_next];
            if (Answer.EndOf(_engine, request, 0) is { } reason)
            {
                _results[_next] = Empty(request, reason);
                continue;
            }

            if (_active.Count > 0 && _pages + PagesOf(request) > _engine.Pages)
            {
                return;
            }

            _pages += PagesOf(request);
            _active.Add((new Answer(_engine, request), _next));
        }
    }

    /// <summary>Pages that a request can come to hold; the last token of an answer is not run.</summary>
    private int PagesOf(GenerationRequest request) =>
        _engine.PagesFor((int)Math.Min((long)request.Prompt.Length + (request.MaxTokens ?? int.MaxValue), _engine.SequenceLimit));

    private static GenerationResult Empty(GenerationRequest request, FinishReason reason) =>
        new([], [], [], reason, request.Prompt.Length, 0, 0);
}
