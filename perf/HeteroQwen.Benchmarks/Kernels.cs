using BenchmarkDotNet.Attributes;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Benchmarks;

/// <summary>What all benchmarks of one kernel have in common.</summary>
public abstract class KernelBenchmark<TWork>
    where TWork : Work
{
    private KernelRun? _run;

    [ParamsSource("Cases")]
    public TWork Case { get; set; } = null!;

    [GlobalSetup]
    public void Setup() => _run = Prepare(Case);

    [Benchmark]
    public void Launch() => _run!.Launch();

    [GlobalCleanup]
    public void Cleanup() => _run!.Dispose();

    private protected abstract KernelRun Prepare(TWork work);
}

/// <summary>The products of Qwen3-0.6B with weights of each type, for one token and for a chunk, in both precisions.</summary>
public class LinearKernel : KernelBenchmark<LinearWork>
{
    private static readonly (string Name, int Inner, int Outer)[] s_products =
    [
        ("q", 1024, 2048), ("kv", 1024, 1024), ("o", 2048, 1024), ("gate_up", 1024, 3072), ("down", 3072, 1024), ("lm_head", 1024, 151936),
    ];

    public static IEnumerable<LinearWork> Cases =>
        from precision in (Precision[])[Precision.Fast, Precision.Exact]
        from tokens in (int[])[1, 128]
        from product in s_products
        from type in ElementTypes.All
        where type.IsFloat() || type.IsQuantized()
        select new LinearWork(precision, type, product.Name, product.Inner, product.Outer, tokens);

    private protected override KernelRun Prepare(LinearWork work)
    {
        Operand x = new(new(ElementType.F32, Dim.T, work.Inner), TensorRole.Input);
        Operand weight = new(new(work.Type, work.Outer, work.Inner), TensorRole.Constant);
        return new(Linear.Instance, [x, weight], Attributes.Empty, new(work.Tokens, 0, 0, 0), work.Precision);
    }
}

/// <summary>Attention of one sequence: a token at two depths, and a first chunk.</summary>
public class AttentionKernel : KernelBenchmark<AttentionWork>
{
    private const int Page = 128;

    public static IEnumerable<AttentionWork> Cases =>
        from shape in ((int Entries, int Tokens)[])[(512, 1), (2048, 1), (512, 512)]
        from type in (ElementType[])[ElementType.F32, ElementType.F16, ElementType.Q8_0]
        select new AttentionWork(type, shape.Entries, shape.Tokens);

    private protected override KernelRun Prepare(AttentionWork work)
    {
        int pages = work.Entries / Page;
        int[] positions = [.. Enumerable.Range(0, work.Entries)];
        TensorType state = new(work.Type, work.Entries, AttentionWork.KvHeads, AttentionWork.HeadDim);
        static Operand Index(int[] values, params Dim[] dims) => new(new(ElementType.I32, dims), TensorRole.Input, values);
        Operand[] operands =
        [
            new(new(ElementType.F32, Dim.T, AttentionWork.Heads, AttentionWork.HeadDim), TensorRole.Input),
            new(state, TensorRole.State), new(state, TensorRole.State),
            Index(new int[work.Tokens], Dim.T), Index(positions[^work.Tokens..], Dim.T),
            Index([0, work.Tokens], Dim.BPlus1), Index([0, work.Entries], Dim.BPlus1), Index(positions[..pages], Dim.B, pages),
            Index(positions, Dim.N), Index(new int[work.Entries], Dim.N), Index(positions, Dim.N),
        ];
        Attributes attributes = new(("page", (long)Page), ("scale", 1 / Math.Sqrt(AttentionWork.HeadDim)), ("window", 0L));
        return new(Attention.Instance, operands, attributes, new(work.Tokens, work.Entries, 1, 0));
    }
}

/// <summary>The norm over the hidden size.</summary>
public class RmsNormKernel : KernelBenchmark<NormWork>
{
    public static IEnumerable<NormWork> Cases => [new(1), new(128)];

    private protected override KernelRun Prepare(NormWork work)
    {
        Operand x = new(new(ElementType.F32, Dim.T, NormWork.Hidden), TensorRole.Input);
        Operand weight = new(new(ElementType.F32, NormWork.Hidden), TensorRole.Constant);
        return new(RmsNorm.Instance, [x, weight], new(("eps", 1e-6)), new(work.Tokens, 0, 0, 0));
    }
}
