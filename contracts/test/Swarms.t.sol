// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISwarms} from "../src/ISwarms.sol";

import {Test} from "./Test.sol";

contract SwarmsTest is Test {
    uint256 private constant GENESIS = 1_800_000_000;

    ISwarms private swarms;

    function setUp() public {
        vm.warp(GENESIS);
        vm.roll(1000);
        swarms = ISwarms(vm.deployCode("Swarms.sol:Swarms"));
    }

    function testFuzz_open_keepsWhatWasOpened(bytes calldata spec, uint32 a, uint32 c, uint32 v, address who)
        public
    {
        vm.assume(spec.length != 0);
        (a, c, v) = (uint32(bound(a, 1, 1 days)), uint32(bound(c, 1, 1 days)), uint32(bound(v, 1, 1 days)));
        swarms.open("first", 8, 5, 7);
        vm.warp(GENESIS + 77);
        vm.roll(1234);
        vm.expectEmit(true, true, true, true, address(swarms));
        emit ISwarms.Opened(1, sha256(spec), who);
        vm.expectEmit(true, true, true, true, address(swarms));
        emit ISwarms.Specified(1, spec);
        vm.prank(who);
        assertEq(swarms.open(spec, a, c, v), 1, "number");
        ISwarms.Swarm memory s = swarms.swarmOf(1);
        assertEq(s.genesis, GENESIS + 77, "round 0 begins now");
        assertEq(s.openedIn, 1234, "block");
        assertTrue(s.answerSeconds == a && s.critiqueSeconds == c && s.voteSeconds == v, "stages");
        assertEq(s.digest, sha256(spec), "digest");
        assertEq(s.starter, who, "starter");
        assertEq(swarms.count(), 2, "count");
        ISwarms.Swarm memory first = swarms.swarmOf(0);
        assertEq(first.digest, sha256("first"), "the first swarm is as it was");
        assertEq(first.genesis, GENESIS, "genesis of the first");
        assertNotEq(first.genesisSeed, s.genesisSeed, "seeds");
    }

    function test_open_revertsIfSpecIsEmptyOrTooLong() public {
        uint256 most = swarms.MAX_BYTES();
        swarms.open(new bytes(most), 8, 5, 7);
        vm.expectRevert(abi.encodeWithSelector(ISwarms.BadLength.selector, 0));
        swarms.open("", 8, 5, 7);
        vm.expectRevert(abi.encodeWithSelector(ISwarms.BadLength.selector, most + 1));
        swarms.open(new bytes(most + 1), 8, 5, 7);
        assertEq(swarms.count(), 1, "nothing else was opened");
    }

    function test_open_revertsIfStageIsInvalid() public {
        uint32[3][6] memory stages = [
            [uint32(0), 5, 7],
            [uint32(8), 0, 7],
            [uint32(8), 5, 0],
            [uint32(1 days + 1), 5, 7],
            [uint32(8), 1 days + 1, 7],
            [uint32(8), 5, 1 days + 1]
        ];
        for (uint256 i; i < stages.length; ++i) {
            vm.expectRevert(ISwarms.BadStages.selector);
            swarms.open("spec", stages[i][0], stages[i][1], stages[i][2]);
        }
        swarms.open("spec", 1 days, 1 days, 1 days);
        swarms.open("spec", 1, 1, 1);
    }

    function test_stageAt_changesAtStageBoundaries() public {
        swarms.open("spec", 8, 5, 7);
        assertStage(0, 0, ISwarms.Stage.Answer);
        assertStage(7, 0, ISwarms.Stage.Answer);
        assertStage(8, 0, ISwarms.Stage.Critique);
        assertStage(12, 0, ISwarms.Stage.Critique);
        assertStage(13, 0, ISwarms.Stage.Vote);
        assertStage(19, 0, ISwarms.Stage.Vote);
        assertStage(20, 1, ISwarms.Stage.Answer);
        vm.expectRevert(abi.encodeWithSelector(ISwarms.BeforeGenesis.selector, GENESIS - 1, GENESIS));
        swarms.roundAt(0, GENESIS - 1);
        vm.expectRevert(abi.encodeWithSelector(ISwarms.BeforeGenesis.selector, GENESIS - 1, GENESIS));
        swarms.stageAt(0, GENESIS - 1);
    }

    function assertStage(uint256 into, uint64 round, ISwarms.Stage stage) private {
        vm.warp(GENESIS + into);
        assertEq(swarms.currentRound(0), round, "round");
        assertEq(uint256(swarms.currentStage(0)), uint256(stage), "stage");
        assertEq(uint256(swarms.stageAt(0, GENESIS + into)), uint256(stage), "stage at that time");
    }

    /// @dev Two swarms of one contract, opened at different times with different stages.
    function testFuzz_currentStage_followsOwnSchedule(uint32 a, uint32 c, uint32 v, uint40 wait, uint16 later)
        public
    {
        a = uint32(bound(a, 1, 1 days));
        c = uint32(bound(c, 1, 1 days));
        v = uint32(bound(v, 1, 1 days));
        swarms.open("spec", a, c, v);
        vm.warp(GENESIS + later);
        swarms.open("spec", v, a, c);
        vm.warp(GENESIS + later + wait);
        for (uint64 i; i < 2; ++i) {
            ISwarms.Swarm memory s = swarms.swarmOf(i);
            uint256 length = uint256(s.answerSeconds) + s.critiqueSeconds + s.voteSeconds;
            uint256 start = s.genesis + uint256(swarms.currentRound(i)) * length;
            assertTrue(
                start <= block.timestamp && block.timestamp < start + length,
                "the time is in the current round"
            );
            uint256 into = block.timestamp - start;
            ISwarms.Stage stage = into < s.answerSeconds
                ? ISwarms.Stage.Answer
                : into < uint256(s.answerSeconds) + s.critiqueSeconds
                    ? ISwarms.Stage.Critique
                    : ISwarms.Stage.Vote;
            assertEq(uint256(swarms.currentStage(i)), uint256(stage), "stage");
        }
    }

    function test_seedOf_dependsOnSwarmRoundAndDeploymentOnly() public {
        swarms.open("spec", 8, 5, 7);
        swarms.open("spec", 8, 5, 7);
        bytes32 seed = swarms.seedOf(0, 7);
        assertEq(seed, keccak256(abi.encode(swarms.swarmOf(0).genesisSeed, uint256(7))), "as documented");
        assertNotEq(seed, swarms.seedOf(0, 8), "another round");
        assertNotEq(seed, swarms.seedOf(1, 7), "another swarm");
        ISwarms other = ISwarms(vm.deployCode("Swarms.sol:Swarms"));
        other.open("spec", 8, 5, 7);
        assertNotEq(seed, other.seedOf(0, 7), "another deployment");
        vm.warp(GENESIS + 1000);
        assertEq(seed, swarms.seedOf(0, 7), "the same seed later");
    }

    function testFuzz_swarmsFrom_returnsSwarmsInOrder(uint8 opened, uint64 from, uint64 most) public {
        opened %= 9;
        for (uint256 i; i < opened; ++i) {
            swarms.open(abi.encode(i), 8, 5, 7);
        }
        if (from % 2 == 0) from %= 10;
        if (most % 2 == 0) most %= 10;
        ISwarms.Swarm[] memory some = swarms.swarmsFrom(from, most);
        uint256 left = from < opened ? opened - from : 0;
        assertEq(some.length, left < most ? left : most, "as many as there are, and no more than asked for");
        for (uint256 i; i < some.length; ++i) {
            assertEq(some[i].digest, sha256(abi.encode(from + i)), "in order");
        }
    }

    function testFuzz_everyReader_revertsIfThereIsNoSwarm(uint64 swarm) public {
        swarms.open("spec", 8, 5, 7);
        vm.assume(swarm != 0);
        bytes memory error = abi.encodeWithSelector(ISwarms.NoSwarm.selector, swarm);
        vm.expectRevert(error);
        swarms.swarmOf(swarm);
        vm.expectRevert(error);
        swarms.currentRound(swarm);
        vm.expectRevert(error);
        swarms.currentStage(swarm);
        vm.expectRevert(error);
        swarms.roundAt(swarm, GENESIS);
        vm.expectRevert(error);
        swarms.stageAt(swarm, GENESIS);
        vm.expectRevert(error);
        swarms.seedOf(swarm, 0);
    }
}
