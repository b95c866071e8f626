// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Descriptions} from "../src/Descriptions.sol";
import {IDescriptions} from "../src/IDescriptions.sol";
import {Test} from "./Test.sol";

contract DescriptionsTest is Test {
    Descriptions private immutable DESCRIPTIONS = new Descriptions();

    function testFuzz_publish_emitsDescriptionUnderItsDigest(bytes32 run, bytes calldata description) public {
        if (description.length == 0) return;
        vm.expectEmit(true, true, true, true, address(DESCRIPTIONS));
        emit IDescriptions.Published(run, sha256(description), address(this));
        vm.expectEmit(true, true, true, true, address(DESCRIPTIONS));
        emit IDescriptions.Content(sha256(description), description);
        assertEq(DESCRIPTIONS.publish(run, description), sha256(description), "digest");
    }

    function test_publish_revertsIfEmptyOrTooLong() public {
        uint256 most = DESCRIPTIONS.MAX_BYTES();
        DESCRIPTIONS.publish(0, new bytes(most));
        vm.expectRevert(abi.encodeWithSelector(IDescriptions.BadLength.selector, 0));
        DESCRIPTIONS.publish(0, "");
        vm.expectRevert(abi.encodeWithSelector(IDescriptions.BadLength.selector, most + 1));
        DESCRIPTIONS.publish(0, new bytes(most + 1));
    }
}
