using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The tensors that became one type.</summary>
/// <param name="Type">The type in the file.</param>
/// <param name="Tensors">How many.</param>
/// <param name="Weights">How many numbers.</param>
/// <param name="Bytes">What they take.</param>
/// <param name="Rmse">Root mean square of what they differ by from the model's.</param>
/// <param name="Rms">Root mean square of the model's; 0 where all were copied.</param>
public sealed record QuantizedType(ElementType Type, int Tensors, long Weights, long Bytes, double Rmse, double Rms);

/// <summary>
/// Writes a plan's file, a chunk of weights at a time on several threads, each chunk at its place: memory is a few chunks, and the bytes
/// are the same for any number of threads.
/// </summary>
public sealed class Quantizer
{
    /// <summary>Weights; whole blocks of every type, and small enough for a core's own cache.</summary>
    private const int Chunk = 1 << 16;

    private readonly QuantizationPlan _plan;
    private readonly OutputFile _file;
    private readonly CancellationToken _cancellation;

    /// <summary>Number of the first chunk of each tensor, and of all chunks at the end.</summary>
    private readonly long[] _firsts;
    private readonly ChunkError[] _errors;
    private long _next;
    private long _done;
    private ExceptionDispatchInfo? _failure;

    private Quantizer(QuantizationPlan plan, OutputFile file, CancellationToken cancellation)
    {
        (_plan, _file, _cancellation) = (plan, file, cancellation);
        _firsts = new long[plan.Tensors.Length + 1];
        for (int i = 0; i < plan.Tensors.Length; i++)
        {
            _firsts[i + 1] = _firsts[i] + ((plan.Tensors[i].Elements + Chunk - 1) / Chunk);
        }

        _errors = new ChunkError[_firsts[^1]];
    }

    /// <summary>Whether a file can be written at a path, as far as can be seen before.</summary>
    /// <exception cref="UserErrorException">It cannot; the sentence says why.</exception>
    public static void CheckOutput(string path, bool overwrite) => OutputFile.Check(path, overwrite);

    /// <summary>Writes the file; where that fails or is cancelled, nothing is left of it.</summary>
    /// <param name="plan">What to write, its model still open.</param>
    /// <param name="path">Where; it ends in <c>.gguf</c>.</param>
    /// <param name="overwrite">Whether a file of that name may be replaced.</param>
    /// <param name="threads">How many work, the caller being one.</param>
    /// <param name="progress">Gets the share that is done, from the caller's thread.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>What became of the weights, by type.</returns>
    /// <exception cref="UserErrorException">The path cannot be written, or a weight does not fit its new type.</exception>
    public static ImmutableArray<QuantizedType> Write(
        QuantizationPlan plan, string path, bool overwrite, int threads, Action<double> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        using OutputFile file = new(path, plan.FileBytes, overwrite);
        file.Write(plan.Header, 0);
        Quantizer quantizer = new(plan, file, cancellation);
        quantizer.Run(threads, progress);
        file.Complete();
        return quantizer.Summary();
    }

    private void Run(int threads, Action<double> progress)
    {
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(_ => new Thread(() => Work(_ => { })) { IsBackground = true })];
        Array.ForEach(others, t => t.Start());
        Work(progress);
        Array.ForEach(others, t => t.Join());
        _failure?.Throw();
    }

    /// <summary>Takes chunks until there are none, or one has failed.</summary>
    private void Work(Action<double> progress)
    {
        try
        {
            ChunkWork work = new(_plan.ModelName, Chunk);
            for (long chunk; _failure is null && (chunk = Interlocked.Increment(ref _next) - 1) < _errors.Length;)
            {
                _cancellation.ThrowIfCancellationRequested();
                int at = Array.BinarySearch(_firsts, chunk);
                int tensor = at < 0 ? ~at - 1 : at;
                _errors[chunk] = Convert(work, _plan.Tensors[tensor], (chunk - _firsts[tensor]) * Chunk);
                progress((double)Interlocked.Increment(ref _done) / _errors.Length);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
        }
    }

    private ChunkError Convert(ChunkWork work, PlannedTensor tensor, long first)
    {
        int count = (int)Math.Min(Chunk, tensor.Elements - first);
        ChunkError error = work.Convert(tensor, first, count, out ReadOnlySpan<byte> bytes);
        _file.Write(bytes, _plan.Header.Length + tensor.Offset + tensor.Type.Bytes(first));
        return error;
    }

    /// <summary>Sums the chunks in their order, so that the figures are the same for any number of threads.</summary>
    private ImmutableArray<QuantizedType> Summary()
    {
        SortedDictionary<ElementType, (int Tensors, long Weights, long Bytes, ChunkError Error)> types = [];
        for (int i = 0; i < _plan.Tensors.Length; i++)
        {
            PlannedTensor tensor = _plan.Tensors[i];
            var (tensors, weights, bytes, error) = types.GetValueOrDefault(tensor.Type);
            for (long chunk = _firsts[i]; chunk < _firsts[i + 1]; chunk++)
            {
                error = new(error.Squares + _errors[chunk].Squares, error.Differences + _errors[chunk].Differences);
            }

            types[tensor.Type] = (tensors + 1, weights + tensor.Elements, bytes + tensor.Bytes, error);
        }

        return
        [
            .. types.Select(t => new QuantizedType(
                t.Key, t.Value.Tensors, t.Value.Weights, t.Value.Bytes,
                Math.Sqrt(t.Value.Error.Differences / t.Value.Weights), Math.Sqrt(t.Value.Error.Squares / t.Value.Weights))),
        ];
    }
}
