using HeteroQwen.Backends.Cpu.Emission;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// The rate of an instruction that .NET does not know. <c>void f(long rounds)</c>: chains in registers only, 12 of vectors (two units of
/// latency 5 need 10) or 4 of tiles.
/// </summary>
internal sealed unsafe class PeakLoop : PeakUnit
{
    private const int Chains = 12;
    private const int Tiles = 4;

    private readonly ExecutableMemory _code;
    private readonly long _rounds;
    private readonly bool _tiles;

    private PeakLoop(string name, Action<Assembler> emit, double operationsOfRound, long rounds, bool tiles = false)
        : base(name, operationsOfRound * rounds)
    {
        _code = ExecutableMemory.Create([MachineCode.Assemble(emit)], out string? refusal) ?? throw new InsufficientMemoryException(refusal);
        _rounds = rounds;
        _tiles = tiles;
    }

    /// <summary>64 multiply-adds of bytes.</summary>
    public static PeakLoop Bytes() => new("vpdpbusd, 512 bits", EmitBytes, Chains * 128, 300_000);

    /// <summary>32 multiply-adds of BF16.</summary>
    public static PeakLoop Brain() => new("vdpbf16ps, 512 bits", EmitBrain, Chains * 64, 300_000);

    /// <summary>Tiles of 16 x 16 sums by 32 of k.</summary>
    public static PeakLoop BrainTiles() => new("tdpbf16ps, 16 x 16 x 32", EmitTiles, Tiles * 2 * 16 * 16 * 32, 50_000, tiles: true);

    /// <exception cref="InvalidOperationException">Tiles do not work on this thread.</exception>
    public override void Pass()
    {
        if (_tiles)
        {
            TileThread.Prepare();
        }

        ((delegate* unmanaged<long, void>)_code.Function(0))(_rounds);
    }

    public override void Dispose()
    {
        _code.Dispose();
        base.Dispose();
    }

    internal static void EmitBytes(Assembler a) => EmitVectors(a, chain => a.vpdpbusd(KernelRegisters.Vector(chain), zmm30, zmm31));

    internal static void EmitBrain(Assembler a) => EmitVectors(a, chain => a.vdpbf16ps(KernelRegisters.Vector(chain), zmm30, zmm31));

    internal static void EmitTiles(Assembler a)
    {
        Label configuration = a.CreateLabel();
        a.ldtilecfg(__[configuration]);
        AssemblerRegisterTMM[] sums = [tmm0, tmm1, tmm2, tmm3];
        foreach (AssemblerRegisterTMM tile in (AssemblerRegisterTMM[])[.. sums, tmm4, tmm5])
        {
            a.tilezero(tile);
        }

        EmitLoop(a, () =>
        {
            foreach (AssemblerRegisterTMM sum in sums)
            {
                a.tdpbf16ps(sum, tmm4, tmm5);
            }
        });
        a.tilerelease();
        a.ret();
        a.Label(ref configuration);
        a.db(TileKernel.Configuration(TileKernel.MostRows));
    }

    private static void EmitVectors(Assembler a, Action<int> emitChain)
    {
        KernelRegisters.Clear(a, Chains);
        a.vpxord(zmm30, zmm30, zmm30);
        a.vpxord(zmm31, zmm31, zmm31);
        EmitLoop(a, () =>
        {
            for (int chain = 0; chain < Chains; chain++)
            {
                emitChain(chain);
            }
        });
        KernelRegisters.End(a);
    }

    private static void EmitLoop(Assembler a, Action emitRound)
    {
        Label loop = a.CreateLabel();
        a.Label(ref loop);
        emitRound();
        a.add(rdi, -1);
        a.jne(loop);
    }
}
