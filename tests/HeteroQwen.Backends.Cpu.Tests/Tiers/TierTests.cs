using System.Collections.Immutable;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Tiers;

public sealed class TierTests
{
    private static readonly CpuFeatures s_all =
        new() { V128 = true, Avx2 = true, AvxVnni = true, Avx512 = true, Vnni = true, Bf16 = true, Tiles = true };

    [Fact]
    public void Devices_lists_the_tiers_that_run_here_and_open_takes_each_of_them()
    {
        CpuBackend backend = new();
        OpRunner.Check("devices", backend.Devices(out ImmutableArray<DeviceInfo> devices));
        ImmutableArray<string> tiers = devices[0].Tiers;
        Assert.Equal("scalar", tiers[^1]);
        foreach (string tier in tiers)
        {
            OpRunner.Check(tier, backend.Open(0, new(("threads", 1L), ("tier", tier)), out IDevice? device));
            Assert.Equal(tier, Assert.IsType<CpuDevice>(device).Tier.Name());
            device.Dispose();
        }

        OpRunner.Check("best", backend.Open(0, new(("threads", 1L)), out IDevice? best));
        Assert.Equal(tiers[0], Assert.IsType<CpuDevice>(best).Tier.Name());
        best.Dispose();
        string[] missing = [.. new[] { "amx", "avx512-vnni" }.Where(t => !tiers.Contains(t))];
        Assert.Equal(missing, devices[0].Notes.Select(n => n["no tier ".Length..n.IndexOf(':', StringComparison.Ordinal)]));
    }

    [Fact]
    public void Open_refuses_a_tier_that_does_not_run_here_and_lists_those_that_do()
    {
        Status status = new CpuBackend().Open(0, new(("tier", "v256")), out IDevice? device);
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Null(device);
        Assert.EndsWith(string.Join(", ", CpuTiers.Here.Select(t => t.Name())), status.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_features_gives_tiers_best_first_and_a_note_for_each_emitted_one_that_is_missing()
    {
        (CpuFeatures Features, string Tiers, string Note)[] cases =
        [
            (s_all, "amx avx512-vnni avx-vnni avx512 avx2 v128 scalar", ""),
            (s_all with { Tiles = false }, "avx512-vnni avx-vnni avx512 avx2 v128 scalar", "no tier amx: the processor has no AMX"),
            (s_all with { NoTiles = "refused" }, "avx512-vnni avx-vnni avx512 avx2 v128 scalar", "no tier amx: refused"),
            (s_all with { NoEmission = "no pages" }, "avx-vnni avx512 avx2 v128 scalar", "no tier avx512-vnni: no pages"),
            (s_all with { Avx512 = false }, "avx-vnni avx2 v128 scalar", "no tier avx512-vnni: AVX-512 is switched off"),
            (s_all with { Vnni = false }, "avx-vnni avx512 avx2 v128 scalar", "no tier avx512-vnni: the processor has no AVX512-VNNI"),
            (new CpuFeatures { NoEmission = "machine code is emitted for Linux on x86-64 only" }, "scalar", "no tier amx: machine code is"),
        ];
        foreach ((CpuFeatures features, string tiers, string note) in cases)
        {
            Assert.Equal(tiers, string.Join(' ', CpuTiers.Of(features).Select(t => t.Name())));
            Assert.Contains(note, string.Join("; ", CpuTiers.Notes(features)), StringComparison.Ordinal);
        }

        Assert.Empty(CpuTiers.Notes(s_all));
    }
}
