// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJudge} from "../../src/judge/IJudge.sol";
import {Leaf, Node} from "../../src/judge/Operands.sol";
import {Operators as Op} from "../../src/judge/Operators.sol";
import {Test} from "../Test.sol";

/// @notice Gas of the judge at the shapes of the nano model: hidden size 64, MLP size 172, vocabulary 64, 64
/// positions, 4 query heads, 2 key/value heads, and a batch of 4,096 positions. The snapshot holds the
/// execution of the judge. The limit is for the whole transaction, with its calldata and the hashing of its
/// leaves.
contract JudgeGasTest is Test {
    uint256 private constant LIMIT = 10_000_000;
    /// An upper bound of what the calling contract pays to hash a leaf of 4 KiB and a path of ten levels.
    uint256 private constant LEAF_CHECK = 20_000;

    uint32 private constant N = 4096;
    uint32 private constant D = 64;
    uint32 private constant F = 172;
    uint32 private constant V = 64;
    uint32 private constant KV = 32;
    uint32 private constant QUARTER = 0x3e800000;
    uint32 private constant ONE = 0x3f800000;

    event Cost(string name, uint256 leaves, uint256 bytes_, uint256 gas_);

    IJudge private judge;
    Leaf[] private none;

    function setUp() external {
        judge = IJudge(vm.deployCode("Judge.sol:Judge"));
    }

    function _list(bytes memory packed) private pure returns (uint32[] memory list) {
        list = new uint32[](packed.length / 4);
        for (uint256 i; i < list.length; ++i) {
            assembly ("memory-safe") {
                mstore(add(add(list, 32), mul(32, i)), shr(224, mload(add(add(packed, 32), mul(4, i)))))
            }
        }
    }

    /// @dev A leaf of values in (-2, 2), or of indices: the number of the element modulo 64.
    function _leaf(Node memory node, uint256 input, uint256 number, bool indices)
        private
        pure
        returns (Leaf memory leaf)
    {
        uint256 count = node.lengths[input] - number * 1024;
        if (count > 1024) count = 1024;
        bytes memory data = new bytes(4 * count);
        uint256 draw;
        for (uint256 i; i < count; ++i) {
            if (i % 8 == 0) draw = uint256(keccak256(abi.encodePacked(input, number, i)));
            uint256 value = indices ? i % 64 : (draw & 0x807fffff) | ((120 + (draw >> 23) % 8) << 23);
            draw >>= 32;
            assembly ("memory-safe") {
                let word := add(add(data, 32), shl(2, i))
                mstore8(word, value)
                mstore8(add(word, 1), shr(8, value))
                mstore8(add(word, 2), shr(16, value))
                mstore8(add(word, 3), shr(24, value))
            }
        }
        leaf = Leaf(uint32(input), uint32(number), data);
    }

    function _with(Leaf[] memory leaves, Leaf memory leaf) private pure returns (Leaf[] memory more) {
        more = new Leaf[](leaves.length + 1);
        for (uint256 i; i < leaves.length; ++i) {
            more[i] = leaves[i];
        }
        more[leaves.length] = leaf;
    }

    /// @dev Calls the judge and opens the leaf that it asks for until it answers. Compares the gas of the
    /// last call.
    function _measure(
        string memory name,
        uint256 op,
        uint32 output,
        bytes memory attributes,
        bytes memory lengths,
        uint256 index,
        uint256 indices
    ) private {
        Node memory node = Node(uint32(op), output, uint32(index + 1), _list(attributes), _list(lengths));
        Leaf[] memory leaves = none;
        while (true) {
            (bool done, bytes memory out) = address(judge).staticcall(_question(node, leaves, index));
            if (done) break;
            uint256 input;
            uint256 element;
            assembly ("memory-safe") {
                input := mload(add(out, 36))
                element := mload(add(out, 68))
            }
            leaves = _with(leaves, _leaf(node, input, element / 1024, input == indices));
        }
        uint256 execution = vm.snapshotGasLastCall("Judge", name);
        uint256 size = _question(node, leaves, index).length;
        // EIP-7623: 16 gas a byte plus the execution, or 40 gas a byte, whichever is more.
        uint256 total = execution + leaves.length * LEAF_CHECK + 16 * size;
        if (total < 40 * size) total = 40 * size;
        emit Cost(name, leaves.length, size, total + 21_000);
        assertLe(total + 21_000, LIMIT, name);
    }

    function _question(Node memory node, Leaf[] memory leaves, uint256 index)
        private
        view
        returns (bytes memory)
    {
        if (judge.folds(node.op)) return abi.encodeCall(IJudge.chunkOf, (node, leaves, index, 0, 0));
        return abi.encodeCall(IJudge.element, (node, leaves, index));
    }

    uint256 private constant FLOATS = 99;

    function test_gas_products() external {
        // The weight gradient of the MLP: 64 rows of both operands.
        _measure(
            "matmul, weight gradient",
            Op.MATMUL,
            0,
            abi.encodePacked(D, F, N, uint32(1), uint32(0)),
            abi.encodePacked(N * D, N * F),
            0,
            FLOATS
        );
        _measure(
            "matmul, forward",
            Op.MATMUL,
            0,
            abi.encodePacked(N, F, D, uint32(0), uint32(1)),
            abi.encodePacked(N * D, F * D),
            0,
            FLOATS
        );
    }

    function test_gas_sums() external {
        _measure("embed.grad", Op.EMBED_GRAD, 0, abi.encodePacked(N, V, D), abi.encodePacked(N, N * D), 0, 0);
        _measure("bias.grad", Op.BIAS_GRAD, 0, abi.encodePacked(N, D), abi.encodePacked(N * D), 0, FLOATS);
        _measure(
            "rms.grad.gain",
            Op.RMS_GRAD_GAIN,
            0,
            abi.encodePacked(N, D),
            abi.encodePacked(N * D, N * D, N),
            0,
            FLOATS
        );
        _measure("loss.weighted", Op.LOSS_WEIGHTED, 0, abi.encodePacked(N), abi.encodePacked(N, N), 0, FLOATS);
        _measure(
            "norm.square", Op.NORM_SQUARE, 0, abi.encodePacked(F * D), abi.encodePacked(F * D), 0, FLOATS
        );
    }

    function test_gas_layers() external {
        _measure("embed", Op.EMBED, 0, abi.encodePacked(N, V, D), abi.encodePacked(N, V * D), 0, 0);
        _measure("bias.add", Op.BIAS_ADD, 0, abi.encodePacked(N, D), abi.encodePacked(N * D, D), 0, FLOATS);
        _measure("add", Op.ADD, 0, abi.encodePacked(N * D), abi.encodePacked(N * D, N * D), 0, FLOATS);
        _measure(
            "rms.rstd",
            Op.RMS_RSTD,
            0,
            abi.encodePacked(N, D, uint32(0x3c800000), uint32(0x358637bd)),
            abi.encodePacked(N * D),
            0,
            FLOATS
        );
        _measure(
            "rms.apply", Op.RMS_APPLY, 0, abi.encodePacked(N, D), abi.encodePacked(N * D, N, D), 0, FLOATS
        );
        _measure(
            "rms.grad.x",
            Op.RMS_GRAD_X,
            0,
            abi.encodePacked(N, D, uint32(0x3c800000)),
            abi.encodePacked(N * D, N * D, N, D),
            0,
            FLOATS
        );
        _measure(
            "rope",
            Op.ROPE,
            0,
            abi.encodePacked(N, uint32(4), uint32(16), uint32(64), uint32(1)),
            abi.encodePacked(N * D, N, uint32(512), uint32(512)),
            0,
            1
        );
        _measure("swiglu", Op.SWIGLU, 0, abi.encodePacked(N * F), abi.encodePacked(N * F, N * F), 0, FLOATS);
        _measure(
            "swiglu.grad",
            Op.SWIGLU_GRAD,
            0,
            abi.encodePacked(N * F),
            abi.encodePacked(N * F, N * F, N * F),
            0,
            FLOATS
        );
        _measure(
            "cache.write",
            Op.CACHE_WRITE,
            0,
            abi.encodePacked(uint32(64), uint32(64), KV),
            abi.encodePacked(N * KV, uint32(64) * KV, uint32(64)),
            0,
            2
        );
    }

    function test_gas_boundaries() external {
        _measure(
            "add.scaled",
            Op.ADD_SCALED,
            0,
            abi.encodePacked(N * D, QUARTER),
            abi.encodePacked(N * D, N * D),
            0,
            FLOATS
        );
        _measure("round.bf16", Op.ROUND_BF16, 0, abi.encodePacked(N * D), abi.encodePacked(N * D), 0, FLOATS);
        // Rows of Qwen2.5-0.5B, whose hidden size is 896: the longest that this judge is meant for.
        uint32 wide = 896;
        bytes memory rows = abi.encodePacked(uint32(64), wide);
        _measure("quant.int8", Op.QUANT_INT8, 0, rows, abi.encodePacked(64 * wide), 447, FLOATS);
        _measure("quant.int8, scale", Op.QUANT_INT8, 1, rows, abi.encodePacked(64 * wide), 1, FLOATS);
        _measure("dequant.int8", Op.DEQUANT_INT8, 0, rows, abi.encodePacked(16 * wide, uint32(64)), 896, 0);
    }

    function test_gas_attention() external {
        bytes memory a =
            abi.encodePacked(uint32(64), uint32(64), uint32(64), uint32(4), uint32(2), uint32(16), QUARTER);
        bytes memory forward = abi.encodePacked(N * D, N * KV, N * KV, N);
        bytes memory backward = abi.encodePacked(forward, N * 8, N * D, N * 4);
        // The last position attends to all 64 keys; all 64 positions attend to the first key.
        uint256 last = 63 * D;
        _measure("attention", Op.ATTENTION, 0, a, forward, last, 3);
        _measure("attention, stats", Op.ATTENTION, 1, a, forward, 63 * 8 + 1, 3);
        _measure(
            "attention.delta",
            Op.ATTENTION_DELTA,
            0,
            abi.encodePacked(N, uint32(4), uint32(16)),
            abi.encodePacked(N * D, N * D),
            0,
            FLOATS
        );
        _measure("attention.grad.q", Op.ATTENTION_GRAD_Q, 0, a, backward, last, 3);
        _measure("attention.grad.kv, dk", Op.ATTENTION_GRAD_KV, 0, a, backward, 0, 3);
        _measure("attention.grad.kv, dv", Op.ATTENTION_GRAD_KV, 1, a, backward, 0, 3);
    }

    function test_gas_losses() external {
        _measure("xent.lse", Op.XENT_LSE, 0, abi.encodePacked(N, V), abi.encodePacked(N * V), 0, FLOATS);
        _measure(
            "xent.logprob", Op.XENT_LOGPROB, 0, abi.encodePacked(N, V), abi.encodePacked(N * V, N, N), 0, 2
        );
        _measure("xent.grad", Op.XENT_GRAD, 0, abi.encodePacked(N, V), abi.encodePacked(N * V, N, N, N), 0, 2);
        _measure(
            "policy.coefficient",
            Op.POLICY_COEFFICIENT,
            0,
            abi.encodePacked(N, uint32(0x3f4ccccd), uint32(0x3fa3d70a), uint32(0x40400000)),
            abi.encodePacked(N, N, N, N),
            0,
            FLOATS
        );
        _measure(
            "sample",
            Op.SAMPLE,
            1,
            abi.encodePacked(N, V, ONE, uint32(0)),
            abi.encodePacked(N * V, N),
            0,
            FLOATS
        );
    }

    function test_gas_optimizer() external {
        bytes memory ones;
        for (uint256 i; i < 26; ++i) {
            ones = bytes.concat(ones, abi.encodePacked(uint32(1)));
        }
        _measure("clip.scale", Op.CLIP_SCALE, 0, abi.encodePacked(uint32(26), ONE), ones, 0, FLOATS);
        bytes memory a = abi.encodePacked(
            F * D,
            uint32(0x3f666666),
            uint32(0x3dcccccd),
            uint32(0x3f733333),
            uint32(0x3d4ccccd),
            uint32(0x322bcc77),
            uint32(0x3dcccccd)
        );
        _measure(
            "adamw",
            Op.ADAMW,
            0,
            a,
            abi.encodePacked(F * D, F * D, F * D, F * D, uint32(1), uint32(3)),
            0,
            FLOATS
        );
        _measure("draw", Op.DRAW, 0, abi.encodePacked(uint32(1)), abi.encodePacked(uint32(4)), 0, 0);
    }
}
