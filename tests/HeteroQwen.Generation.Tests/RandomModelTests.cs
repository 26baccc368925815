using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>Models whose weights are made when a device asks for them, in a shape that is quick.</summary>
public sealed class RandomModelTests
{
    private static readonly int[] s_tokens = [1, 500, 17, 17, 300, 255, 0, 511];

    private static readonly Qwen3Config s_dense = new()
    {
        VocabSize = 512,
        HiddenSize = 256,
        Layers = 2,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 64,
        FfnSize = 512,
        TiedEmbeddings = true,
        Rope = new RopeSettings(RopeType.Default, 1e6, 1, 4096),
        MaxPositions = 4096,
        Windows = [0, 0],
        SparseLayers = [false, false],
    };

    private static readonly Qwen3Config s_sparse = s_dense with
    {
        TiedEmbeddings = false,
        SparseLayers = [true, true],
        Experts = 4,
        ExpertsPerToken = 2,
        ExpertFfnSize = 256,
        NormTopKProb = true,
    };

    public static TheoryData<bool, string> Models =>
        [.. ((bool[])[false, true]).SelectMany(sparse => WeightTypes.Names.Select(t => (sparse, t)))];

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_of_the_cpu_are_those_of_the_reference_and_the_same_for_any_threads(bool sparse, string types)
    {
        float[][] truth = Logits("reference", 1, sparse, types);
        float[][] one = Logits("cpu", 1, sparse, types);
        OpenModel.AssertSameBits(one, Logits("cpu", 3, sparse, types));
        double worst = truth.Zip(one, (t, o) => t.Zip(o, (a, b) => Math.Abs(a - b)).Max()).Max();
        Assert.InRange(worst, 0, 1e-4);
        Assert.InRange(truth[^1].Max() - truth[^1].Min(), 0.1, 1000);
    }

    [Fact]
    public void Session_refuses_generated_weights_beyond_the_devices_memory_by_itself()
    {
        using RandomModel model = new("random:test", s_dense, "f32");
        KvLayout kv = new(ElementType.F32, 16, 8, 1);
        TweakedBackend backend = new(new Backends.Cpu.CpuBackend(), c => c with { PageSize = 8, MemoryBytes = 1 << 20 }, _ => false);
        using Device device = Device.Open(backend, 0, new Attributes(("threads", 1)));
        Graph graph = Qwen3Graph.Build(s_dense, name => model.Get(name).Type, kv);
        SessionOptions options = new() { Precision = Precision.Exact, Maxima = new(1, 8, 1, 1) };
        UserErrorException e = Assert.Throws<UserErrorException>(() => Session.Create(graph, model.Get, device, null, options));
        Assert.Contains($"has {1 << 20} bytes", e.Message, StringComparison.Ordinal);
        long weights = model.Names.Sum(n => model.Get(n).Bytes * (n.EndsWith("norm.weight", StringComparison.Ordinal) ? 2 : 1));
        Assert.Contains($"{weights} weights", e.Message, StringComparison.Ordinal);
    }

    private static float[][] Logits(string backend, int threads, bool sparse, string types)
    {
        RandomModel source = new("random:test", sparse ? s_sparse : s_dense, types);
        using OpenModel model = new(source, new Opening(backend) { Threads = threads });
        return model.Logits(s_tokens);
    }
}
