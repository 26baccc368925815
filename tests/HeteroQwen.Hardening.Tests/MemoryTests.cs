using System.Text.Json.Nodes;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Hardening.Tests;

/// <summary>Sizes that a configuration or an option asks for are believed only after the memory check.</summary>
public sealed class MemoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(512)]
    public void Engine_beyond_memory_is_refused_with_both_numbers_before_anything_is_allocated(int sequences)
    {
        using TempFolder folder = TempFolder.CopyOf("dense-tied-f32");
        JsonNode config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!;
        config["max_position_embeddings"] = Qwen3Config.MaxContext;
        folder.Write("config.json", config.ToJsonString());
        using IModelSource model = ModelSource.Open(folder.Path);
        using Device device = Device.Open(new CpuBackend(), 0, new(("threads", 1L)));
        long space = AddressSpace.Peak();
        UserErrorException e = Assert.Throws<UserErrorException>(() => Engine.Open(
            model, device, null, new() { Precision = Precision.Exact, Context = 2_000_000_000, MaxSequences = sequences }));
        Assert.Contains($"{device.Capabilities.MemoryBytes}", e.Message, StringComparison.Ordinal);
        Assert.InRange(AddressSpace.Peak() - space, 0, 64 << 20);
    }
}
