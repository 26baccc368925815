using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Execution;

/// <summary>What weights count for before anything is allocated.</summary>
public sealed class MemoryCheckTests
{
    [Theory]
    [InlineData("linear", false, 1280)] // the embedding and the small weight, packed; their mapped bytes are given back
    [InlineData("linear", true, 1280)] // made to be packed, and freed; a row of the embedding is made when it is gathered
    [InlineData("none", false, 0)] // read where they are mapped: pages that the system may take back
    [InlineData("none", true, 1280)] // held in memory once for both their readers
    public void Weights_count_once_as_they_are_packed_or_held(string packs, bool generated, long weights)
    {
        ScriptedBackend backend = new(new ReferenceBackend()) { Packs = op => op.Name == packs, Alter = c => c with { MemoryBytes = 100 } };
        using Device device = TestGraphs.Open(backend);
        Graph graph = TestGraphs.Tied();
        Func<string, ConstantData> constants = TestGraphs.Constants(graph);
        ConstantData Made(string name) => ConstantData.Generated(name, ElementType.F32, constants(name).Shape, new(1, 0, 1));
        UserErrorException e = Assert.Throws<UserErrorException>(
            () => Session.Create(graph, generated ? Made : constants, device, null, TestGraphs.Options()));
        Assert.Contains("has 100 bytes and ", e.Message, StringComparison.Ordinal);
        Assert.Contains($"({weights} weights, ", e.Message, StringComparison.Ordinal);
        Assert.Empty(backend.Prepared);
    }
}
