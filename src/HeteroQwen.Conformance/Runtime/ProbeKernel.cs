using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>
/// The simplest kernel that a device has, to have something to launch: y [T, 64] = -x, x + 3 or x . W^T with W the constant
/// permutation that turns the columns round. Exact for small integers.
/// </summary>
internal sealed class ProbeKernel
{
    public const int Columns = 64;
    public const int MostRows = 64;
    public const string None = "the device runs none of unary, binary, linear and matmul in f32";

    private static readonly TensorDescriptor s_rows = new(ElementType.F32, [Dim.T, Columns], TensorRole.Result, false);

    private static readonly (OpDescriptor Op, Func<float[], int, float> Expected)[] s_choices =
    [
        (Op("unary", new(("kind", "neg")), s_rows), (row, column) => -row[column]),
        (Op("binary", new(("kind", "add"), ("rhs", 3.0)), s_rows), (row, column) => row[column] + 3),
        (Op("linear", Attributes.Empty, s_rows, Weight), (row, column) => row[Columns - 1 - column]),
        (Op("matmul", new(("accumulate", "f32")), s_rows, Weight), (row, column) => row[Columns - 1 - column]),
    ];

    private readonly RuntimeBench _bench;
    private readonly Func<float[], int, float> _expected;

    private ProbeKernel(RuntimeBench bench, OpDescriptor op, Func<float[], int, float> expected)
    {
        (_bench, Descriptor, _expected) = (bench, op, expected);
        Kernel = bench.Own(Prepare(bench, op));
    }

    public OpDescriptor Descriptor { get; }

    public IKernel Kernel { get; }

    private static TensorDescriptor Weight => new(ElementType.F32, [Columns, Columns], TensorRole.Constant, false);

    /// <summary>Bytes of so many rows as the device wants them.</summary>
    public long Bytes(int rows) => RoundUp(rows * Pitch * sizeof(float), Math.Max(4, _bench.Capabilities.LengthAlignment));

    private long Pitch => RoundUp(Columns, _bench.Capabilities.RowMultiple);

    /// <summary>The op that <see cref="Of"/> would choose, for those who prepare it themselves; null if there is none.</summary>
    public static OpDescriptor? Choose(RuntimeBench bench) => Candidates(bench).Select(c => c.Op).FirstOrDefault();

    /// <summary>A prepared kernel, or null where the device runs none of the ops.</summary>
    public static ProbeKernel? Of(RuntimeBench bench)
    {
        (OpDescriptor op, Func<float[], int, float> expected) = Candidates(bench).FirstOrDefault();
        return op is null ? null : new ProbeKernel(bench, op, expected);
    }

    public static unsafe IKernel Prepare(RuntimeBench bench, OpDescriptor op)
    {
        float* weight = (float*)NativeMemory.AlignedAlloc(Columns * Columns * sizeof(float), 64);
        bench.Own(new Memory((nint)weight));
        for (int i = 0; i < Columns * Columns; i++)
        {
            weight[i] = i / Columns == Columns - 1 - (i % Columns) ? 1 : 0;
        }

        ConstantData data = new("conformance.probe", ElementType.F32, [Columns, Columns], [new((nint)weight, Columns * Columns * sizeof(float))]);
        ConstantData?[] constants = [.. op.Operands.Select(o => o.Role == TensorRole.Constant ? data : null)];
        RuntimeBench.Ok(bench.Device.Prepare(op, constants, out IKernel? kernel), $"prepare {op} after supports said yes");
        RuntimeBench.Require(kernel is not null, $"prepare {op}: ok, but no kernel");
        return kernel!;
    }

    /// <summary>Enqueues y = f(x).</summary>
    public Status Launch(IStream stream, IBuffer x, IBuffer y, int rows, IBuffer? workspace) =>
        stream.Launch(Kernel, BindingsOf(rows), Arguments(x, 0, y, 0), workspace, 0);

    public Argument[] Arguments(IBuffer? x, long xOffset, IBuffer y, long yOffset)
    {
        Argument operand = new() { Buffer = x, Offset = xOffset, Strides = [Pitch, 1] };
        Argument result = new() { Buffer = y, Offset = yOffset, Strides = [Pitch, 1] };
        return Descriptor.Operands.Length == 1 ? [operand, result] : [operand, new Argument { Strides = new long[2] }, result];
    }

    public IBuffer? WorkspaceFor(int rows)
    {
        RuntimeBench.Ok(Kernel.Workspace(BindingsOf(rows), out long bytes), "workspace");
        return bytes == 0 ? null : _bench.Allocate(MemoryKind.Device, bytes);
    }

    public static Bindings BindingsOf(int rows) => new(rows, 1, 1, 1);

    /// <summary>Small integers, laid out as the device wants rows; 127 among each 32, so that rounding to int8 keeps them.</summary>
    public byte[] Input(int rows, int salt)
    {
        byte[] bytes = new byte[Bytes(rows)];
        byte[] noise = _bench.Pattern(rows * Columns, salt);
        Span<float> values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        for (int i = 0; i < noise.Length; i++)
        {
            values[(int)((i / Columns * Pitch) + (i % Columns))] = i % 32 == 0 ? 127 : (noise[i] % 255) - 127;
        }

        return bytes;
    }

    /// <summary>Checks a result against the input that it was made of.</summary>
    public void Check(ReadOnlySpan<byte> input, ReadOnlySpan<byte> result, int rows, string what)
    {
        ReadOnlySpan<float> x = MemoryMarshal.Cast<byte, float>(input);
        ReadOnlySpan<float> y = MemoryMarshal.Cast<byte, float>(result);
        for (int row = 0; row < rows; row++)
        {
            int start = (int)(row * Pitch);
            float[] values = x.Slice(start, Columns).ToArray();
            for (int column = 0; column < Columns; column++)
            {
                float expected = _expected(values, column);
                float found = y[start + column];
                RuntimeBench.Require(found == expected, $"{what}: {Descriptor.Name} gave {found} at [{row}, {column}] rather than {expected}");
            }
        }
    }

    private static IEnumerable<(OpDescriptor Op, Func<float[], int, float> Expected)> Candidates(RuntimeBench bench)
    {
        Precision precision = bench.Capabilities.Precisions.Contains(Precision.Exact) ? Precision.Exact : Precision.Fast;
        foreach ((OpDescriptor choice, Func<float[], int, float> expected) in s_choices)
        {
            OpDescriptor op = choice with { Precision = precision };
            RuntimeBench.Ok(bench.Device.Supports(op, out Support support), $"supports {op}");
            if (support.IsSupported)
            {
                yield return (op, expected);
            }
        }
    }

    private static OpDescriptor Op(string name, Attributes attributes, params ImmutableArray<TensorDescriptor> operands) =>
        new(name, attributes, operands, [s_rows], new Bindings(MostRows, 1, 1, 1), Precision.Exact);

    private static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;

    private sealed unsafe class Memory(nint address) : IDisposable
    {
        public void Dispose() => NativeMemory.AlignedFree((void*)address);
    }
}
